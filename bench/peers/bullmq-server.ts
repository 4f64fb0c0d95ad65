/**
 * BullMQ 6.7 behind Hono on Node, with the routes that the benchmarks post to. `REDIS_URL` and `ADMIN_API_KEY` in the
 * environment; prints its own URL. No worker runs, so what is measured is `add` alone.
 */
import { serve } from "@hono/node-server"
import { Queue } from "bullmq"
import { Hono } from "hono"
import { Redis } from "ioredis"

const PRIORITIES: Record<string, number> = { critical: 1, high: 2, normal: 3, low: 4 }

interface ChatRequest {
  priority?: string
}

const { REDIS_URL = "", ADMIN_API_KEY } = process.env
const queue = new Queue("requests", { connection: new Redis(REDIS_URL, { maxRetriesPerRequest: null }) })
await queue.waitUntilReady()
const app = new Hono()

app.use(async (c, next) => {
  if (c.req.header("Authorization") !== `Bearer ${ADMIN_API_KEY}`)
    return c.json({ error: "unauthorized" }, 401)
  return next()
})

app.post("/v1/requests", async (c) => {
  const { name, data, opts } = jobOf(await c.req.json<ChatRequest>())
  const job = await queue.add(name, data, opts)
  return c.json({ requestId: job.id, state: "pending", createdAt: job.timestamp }, 202)
})

app.post("/v1/requests/bulk", async (c) => {
  const { requests } = await c.req.json<{ requests: ChatRequest[] }>()
  const jobs = await queue.addBulk(requests.map(jobOf))
  return c.json({ requests: jobs.map(({ id }) => ({ requestId: id, state: "pending" })) }, 202)
})

function jobOf(data: ChatRequest) {
  return { name: "chat", data, opts: { priority: PRIORITIES[data.priority ?? "normal"] ?? 3 } }
}

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}`)
})
