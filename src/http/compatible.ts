import { type ReadRequests, TIMEOUT_MS } from "../core/contracts/new-request.ts"
import { AppError } from "../core/errors.ts"
import { isRequestId, requestIdTime } from "../core/ids.ts"
import { PRIORITIES } from "../core/request.ts"
import type { DialectRules } from "../dialects/rules.ts"
import { readJson } from "./body.ts"
import type { AppContext } from "./context.ts"
import { abandon } from "./disconnect.ts"
import { type EnqueuedRequest, enqueue } from "./enqueue.ts"
import { readPreferences } from "./preferences.ts"
import { afterAnswer, organizationOf, servicesOf } from "./resource.ts"

// What the routes that speak a vendor's dialect have in common.

const FRESH_MS = 60_000
/** Nobody keeps a connection open for longer; the request goes on, and can be asked for by its id. */
const LONGEST_WAIT_MS = 3_600_000

/** Until when a caller is kept waiting, epoch ms. */
export function waitUntil(c: AppContext): number {
  return servicesOf(c).clock() + LONGEST_WAIT_MS
}

/** Reads and stores the one request of a vendor's body, with what `X-Queue-…` headers say of it. */
export async function accept<Read extends ReadRequests>(
  c: AppContext,
  readBody: (value: unknown, rules: DialectRules) => Read,
): Promise<{ request: EnqueuedRequest; read: Read }> {
  const { config } = servicesOf(c)
  const body = await readJson(c, config.maxRequestBytes)
  const given = readQueueHeaders(c)
  const requestId = readGivenId(c)
  const reads: Read[] = []
  const stored = await enqueue(c, body, (value, rules) => {
    const read = readBody(value, {
      ...rules,
      config,
      given,
      newRequestId: () => requestId ?? rules.newRequestId(),
    })
    reads.push(read)
    return read
  }).catch((error: unknown) => {
    abandonMaybeStored(c, error)
    throw error
  })
  const [request] = stored
  const [read] = reads
  if (request === undefined || read === undefined) throw new AppError("internal", "Nothing was stored.")
  c.header("X-Queue-Request-Id", request.requestId)
  return { request, read }
}

/** Who is told of an error asks anew; what was stored all the same would be paid for beside it. */
function abandonMaybeStored(c: AppContext, error: unknown): void {
  const requestId = error instanceof AppError && error.extra?.maybeStored ? error.extra.requestId : undefined
  if (typeof requestId !== "string" || c.req.header("Idempotency-Key") !== undefined) return
  afterAnswer(c, abandon(c, requestId))
}

/** `Prefer: respond-async`: the answer is 202 with the request as ours, to be asked for later. */
export function answersAsync(c: AppContext): boolean {
  if (!readPreferences(c.req.header("Prefer")).has("respond-async")) return false
  c.header("Preference-Applied", "respond-async")
  return true
}

/**
 * The id that the caller gives its request, so as to know it while it waits for the answer; null: it gives none. Ids
 * tell when they were made, and what was stored when is found by that: so it must be a fresh one.
 */
function readGivenId(c: AppContext): string | null {
  const requestId = c.req.header("X-Queue-Request-Id")
  if (requestId === undefined) return null
  const isFresh = () => Math.abs(requestIdTime(requestId) - servicesOf(c).clock()) <= FRESH_MS
  if (isRequestId(requestId) && isFresh()) return requestId
  throw new AppError(
    "invalid_request",
    "The header X-Queue-Request-Id must be the id of a request, made just now.",
  )
}

/** Throws `invalid_request` that names the header. */
function readQueueHeaders(c: AppContext): Record<string, unknown> {
  const priority = c.req.header("X-Queue-Priority")
  if (priority !== undefined && !PRIORITIES.some((each) => each === priority)) {
    throw new AppError(
      "invalid_request",
      `The header X-Queue-Priority must be one of ${PRIORITIES.join(", ")}.`,
    )
  }
  const timeout = c.req.header("X-Queue-Timeout")
  const timeoutMs = Number(timeout)
  const [least, longest] = TIMEOUT_MS
  if (timeout !== undefined && !(/^\d{1,9}$/.test(timeout) && timeoutMs >= least && timeoutMs <= longest)) {
    const message = `The header X-Queue-Timeout must be a whole number from ${least} to ${longest}, ms.`
    throw new AppError("invalid_request", message)
  }
  return {
    organizationId: organizationOf(c),
    ...(priority === undefined ? {} : { priority }),
    ...(timeout === undefined ? {} : { timeoutMs }),
  }
}
