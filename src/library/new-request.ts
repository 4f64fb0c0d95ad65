import {
  checkCommandSize,
  checkEntrySizes,
  checkIdempotencyKey,
  identify,
  MAX_BULK_BYTES,
  parseJson,
  type QueueServices,
  storeRequests,
} from "../compose.ts"
import { readBulk, readRequest } from "../core/contracts/new-request.ts"
import { invalid } from "../core/contracts/problem.ts"
import { AppError } from "../core/errors.ts"
import type { ChatMessage, Priority, Target } from "../core/request.ts"
import { writeJson } from "../core/write-json.ts"

/** What may be said of a request beside what is to be called; the defaults are the settings'. */
export interface RequestOptions {
  /** Default: `normal`. */
  priority?: Priority
  /** The tenant. Default: `default`. */
  organizationId?: string
  /** OpenAI chat-completion fields, translated for each vendor: `temperature`, `max_tokens`, … */
  options?: Record<string, unknown>
  /** The vendor's own fields, merged last. */
  providerOptions?: Record<string, unknown>
  /** Bounds one attempt: 1,000 to 600,000. */
  timeoutMs?: number
  /** 0 to 10. */
  maxRetries?: number
  /** From now, at most 30 days; not together with `scheduledAt`. */
  delayMs?: number
  /** Epoch ms, at most 30 days ahead; a past instant means now. */
  scheduledAt?: number | null
  /** Epoch ms: not started or retried after it. */
  deadlineAt?: number | null
  /** How long the outcome is kept: 60 to 2,592,000. */
  resultTtlSeconds?: number
  /** At most 16 pairs. */
  metadata?: Record<string, string>
  /** Where it may go instead, in this order, when its provider has trouble. */
  fallbacks?: Target[]
}

export interface EnqueueOptions extends RequestOptions {
  /** The same key with the same request stores it once, for 24 h and also beside the HTTP API; 1 to 255 characters. */
  idempotencyKey?: string
}

/** One request of `enqueueMany`. */
export interface NewAIRequest extends RequestOptions {
  provider: string
  model: string
  messages: ChatMessage[]
}

/** How the HTTP API reads and names the same. */
const DOORS = {
  one: { read: readRequest, route: "/v1/requests" },
  many: { read: readBulk, route: "/v1/requests/bulk" },
}
const ORGANIZATION_ID = "default"
const encoder = new TextEncoder()

/** Stores all or none, in one round trip. Ids in order. */
export async function enqueueBody(
  { config, queue, clock, newRequestId }: QueueServices,
  door: keyof typeof DOORS,
  body: object,
  idempotencyKey: string | undefined,
): Promise<string[]> {
  const { read, route } = DOORS[door]
  const key = idempotencyKey === undefined ? null : checkIdempotencyKey(idempotencyKey)
  const { value, bytes } = readJson(body, door === "many" ? MAX_BULK_BYTES : config.maxRequestBytes)
  checkEntrySizes(value, bytes, config.maxRequestBytes)
  const rules = { config, organizationId: ORGANIZATION_ID, now: clock(), newRequestId }
  const { requests, problems } = read(value, rules)
  if (requests === null) throw invalid("The request", problems)
  checkCommandSize(requests, bytes)
  const idempotency = key === null ? null : await identify(route, key, requests)
  const stored = await storeRequests(queue, requests, idempotency)
  return stored.requests.map(({ requestId }) => requestId)
}

/** What the HTTP API would have received: plain JSON, members that are undefined left out. */
function readJson(body: object, maxBytes: number): { value: unknown; bytes: number } {
  const bytes = encoder.encode(writeJson(body, "The request"))
  if (bytes.length <= maxBytes) return parseJson(bytes)
  throw new AppError("too_large", `The request may have at most ${maxBytes} bytes, as JSON.`)
}
