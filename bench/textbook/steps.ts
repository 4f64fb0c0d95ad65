/**
 * A queue as tutorials build it: a command for each step, one awaited after the other. A crash between two of them leaves
 * a request that is counted and not in line, or the reverse; nothing is checked, and repeating does it twice.
 */
type Command = [name: string, ...args: (string | number)[]]

export interface TextbookRequest {
  requestId: string
  provider: string
  /** As JSON. */
  messages: string
  createdAt: number
}

const STATS = "textbook:stats"
const PROCESSING = "textbook:processing"
const RESULT_TTL_SECONDS = 86_400

const lineOf = (provider: string) => `textbook:line:${provider}`
const keyOf = (requestId: string) => `textbook:request:${requestId}`

/** Its content, its place, the position to answer with, and the statistics. */
export function enqueueSteps({ requestId, provider, messages, createdAt }: TextbookRequest): Command[] {
  const fields = ["provider", provider, "messages", messages, "state", "pending", "createdAt", createdAt]
  return [
    ["HSET", keyOf(requestId), ...fields],
    ["ZADD", lineOf(provider), createdAt, requestId],
    ["ZCARD", lineOf(provider)],
    ["HINCRBY", STATS, "enqueued", 1],
  ]
}

/** Out of the line, among those in work, so marked, and read. */
export function claimSteps({ requestId, provider }: TextbookRequest, now: number): Command[] {
  return [
    ["ZPOPMIN", lineOf(provider)],
    ["ZADD", PROCESSING, now, requestId],
    ["HSET", keyOf(requestId), "state", "processing"],
    ["HGETALL", keyOf(requestId)],
  ]
}

/** The answer, no longer in work, until when it is kept, and the statistics. */
export function settleSteps({ requestId }: TextbookRequest, response: string): Command[] {
  return [
    ["HSET", keyOf(requestId), "state", "completed", "response", response],
    ["ZREM", PROCESSING, requestId],
    ["EXPIRE", keyOf(requestId), RESULT_TTL_SECONDS],
    ["HINCRBY", STATS, "completed", 1],
  ]
}

/** What a loop that finds nothing asks each second. */
export function lookSteps(provider: string): Command[] {
  return [["ZPOPMIN", lineOf(provider)]]
}
