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
import type { RequestOptions } from "../core/request-options.ts"
import { readTraceparent } from "../core/trace.ts"
import { writeJson } from "../core/write-json.ts"

export interface EnqueueOptions extends RequestOptions {
  /** Of W3C's Trace Context: what becomes of the request goes on with this trace. What does not follow the standard is ignored. */
  traceparent?: string
  /** The same key with the same request stores it once, for 24 h and also beside the HTTP API; 1 to 255 characters. */
  idempotencyKey?: string
}

/** What is said of the call, not of a request. */
export type CallOptions = Pick<EnqueueOptions, "idempotencyKey" | "traceparent">

/** How the HTTP API reads and names the same. */
const DOORS = {
  one: { read: readRequest, route: "/v1/requests" },
  many: { read: readBulk, route: "/v1/requests/bulk" },
}
const ORGANIZATION_ID = "default"
const encoder = new TextEncoder()

/** Stores all or none, in one round trip. Ids in order. */
export async function enqueueBody(
  services: QueueServices,
  door: keyof typeof DOORS,
  body: object,
  { idempotencyKey, traceparent }: { [Name in keyof CallOptions]: CallOptions[Name] | undefined },
): Promise<string[]> {
  const { config, clock, newRequestId } = services
  const { read, route } = DOORS[door]
  const key = idempotencyKey === undefined ? null : checkIdempotencyKey(idempotencyKey)
  const { value, bytes } = readJson(body, door === "many" ? MAX_BULK_BYTES : config.maxRequestBytes)
  checkEntrySizes(value, bytes, config.maxRequestBytes)
  const rules = { config, organizationId: ORGANIZATION_ID, now: clock(), newRequestId }
  const { requests, problems } = read(value, rules)
  if (requests === null) throw invalid("The request", problems)
  checkCommandSize(requests, bytes)
  const idempotency = key === null ? null : await identify(route, key, requests)
  const stored = await storeRequests(services, requests, idempotency, readTraceparent(traceparent))
  void services.tracing?.flushSoon()
  return stored.requests.map(({ requestId }) => requestId)
}

/** What the HTTP API would have received: plain JSON, members that are undefined left out. */
function readJson(body: object, maxBytes: number): { value: unknown; bytes: number } {
  const bytes = encoder.encode(writeJson(body, "The request"))
  if (bytes.length <= maxBytes) return parseJson(bytes)
  throw new AppError("too_large", `The request may have at most ${maxBytes} bytes, as JSON.`)
}
