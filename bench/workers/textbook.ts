/**
 * The way tutorials show: a command for each step, one awaited after the other. Any crash between two of them leaves a
 * request that is counted and not in line, or the reverse; nothing is checked, and repeating stores it twice.
 */
import { Redis } from "@upstash/redis/cloudflare"
import { Hono } from "hono"

interface Env {
  ADMIN_API_KEY: string
  UPSTASH_REDIS_REST_URL: string
  UPSTASH_REDIS_REST_TOKEN: string
}

interface ChatRequest {
  provider: string
  messages: unknown[]
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

async function enqueue(redis: Redis, request: ChatRequest) {
  const requestId = crypto.randomUUID()
  const createdAt = Date.now()
  const { messages, ...fields } = request
  const line = `textbook:line:${request.provider}`
  const hash = { ...fields, messages: JSON.stringify(messages), state: "pending", createdAt }
  await redis.hset(`textbook:request:${requestId}`, hash)
  await redis.zadd(line, { score: createdAt, member: requestId })
  const position = await redis.zcard(line)
  await redis.hincrby("textbook:stats", "enqueued", 1)
  return { requestId, state: "pending", position, createdAt }
}

export default app
