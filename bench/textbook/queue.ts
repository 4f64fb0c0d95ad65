/**
 * A queue the way tutorials show: a command for each step, one awaited after the other. Any crash between two of them
 * leaves a request that is counted and not in line, or the reverse; nothing is checked, and repeating does it twice.
 */
import type { Redis } from "@upstash/redis/cloudflare"

export interface ChatRequest {
  provider: string
  messages: unknown[]
}

const STATS = "textbook:stats"
const PROCESSING = "textbook:processing"
const RESULT_TTL_SECONDS = 86_400

const lineOf = (provider: string) => `textbook:line:${provider}`
const keyOf = (requestId: string) => `textbook:request:${requestId}`

/** Its content, its place, the position to answer with, and the statistics. */
export async function enqueue(redis: Redis, request: ChatRequest) {
  const requestId = crypto.randomUUID()
  const createdAt = Date.now()
  const { messages, ...fields } = request
  const line = lineOf(request.provider)
  const hash = { ...fields, messages: JSON.stringify(messages), state: "pending", createdAt }
  await redis.hset(keyOf(requestId), hash)
  await redis.zadd(line, { score: createdAt, member: requestId })
  const position = await redis.zcard(line)
  await redis.hincrby(STATS, "enqueued", 1)
  return { requestId, state: "pending", position, createdAt }
}

/** The first in line: out of it, among those in work, so marked, and read. null: there is none. */
export async function claim(redis: Redis, provider: string): Promise<string | null> {
  const [requestId] = await redis.zpopmin<string>(lineOf(provider), 1)
  if (requestId === undefined) return null
  await redis.zadd(PROCESSING, { score: Date.now(), member: requestId })
  await redis.hset(keyOf(requestId), { state: "processing" })
  await redis.hgetall(keyOf(requestId))
  return requestId
}

/** The answer, no longer in work, until when it is kept, and the statistics. */
export async function settle(redis: Redis, requestId: string, response: string): Promise<void> {
  await redis.hset(keyOf(requestId), { state: "completed", response })
  await redis.zrem(PROCESSING, requestId)
  await redis.expire(keyOf(requestId), RESULT_TTL_SECONDS)
  await redis.hincrby(STATS, "completed", 1)
}
