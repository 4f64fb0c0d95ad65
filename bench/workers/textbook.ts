/** The textbook queue behind the HTTP API. */
import { Redis } from "@upstash/redis/cloudflare"
import { Hono } from "hono"
import { type ChatRequest, enqueue } from "../textbook/queue.ts"

interface Env {
  ADMIN_API_KEY: string
  UPSTASH_REDIS_REST_URL: string
  UPSTASH_REDIS_REST_TOKEN: string
}

const app = new Hono<{ Bindings: Env }>()

app.use(async (c, next) => {
  if (c.req.header("Authorization") !== `Bearer ${c.env.ADMIN_API_KEY}`)
    return c.json({ error: "unauthorized" }, 401)
  return next()
})

app.post("/v1/requests", async (c) =>
  c.json(await enqueue(open(c.env), await c.req.json<ChatRequest>()), 202),
)

app.post("/v1/requests/bulk", async (c) => {
  const redis = open(c.env)
  const { requests } = await c.req.json<{ requests: ChatRequest[] }>()
  const answers = []
  for (const request of requests) answers.push(await enqueue(redis, request))
  return c.json({ requests: answers }, 202)
})

function open({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token }: Env): Redis {
  return new Redis({ url, token, enableTelemetry: false })
}

export default app
