import type { FieldProblem, ProblemCode } from "../core/errors.ts"
import type { EnqueuedRequest } from "./types.ts"

/**
 * What can go wrong besides what the API answers. `unreachable`: no connection, or it broke. `timeout`: no answer in
 * `timeoutMs`. `invalid_answer`: not what this API answers, so something else answered. `wait_timeout`: the request
 * had not ended when `waitFor` gave up.
 */
export type ClientErrorCode = "unreachable" | "timeout" | "invalid_answer" | "wait_timeout"

/** An API that is newer than this client may answer codes that it does not know. */
export type AIRequestQueueErrorCode = ProblemCode | ClientErrorCode | (string & Record<never, never>)

export interface ErrorFacts {
  status?: number | null
  errors?: FieldProblem[]
  requestId?: string | null
  retryAfterMs?: number | null
  idempotencyKey?: string | null
  maybeStored?: boolean
  enqueued?: EnqueuedRequest[]
  cause?: unknown
}

/**
 * Every error of the client, except the reason of a signal that you aborted, which is thrown as it is, and a
 * `TypeError` for settings that cannot work. No message ever holds a prompt, an answer or a key.
 *
 * @example
 * try { await client.enqueue(request) } catch (error) {
 *   if (error instanceof AIRequestQueueError && error.code === "queue_full") later(error.retryAfterMs)
 *   else throw error
 * }
 */
export class AIRequestQueueError extends Error {
  override readonly name = "AIRequestQueueError"
  /** What went wrong, to decide by. */
  readonly code: AIRequestQueueErrorCode
  /** The HTTP status; null when there was no answer. */
  readonly status: number | null
  /** What went wrong, to read; the same as `message`. */
  readonly detail: string
  /** Everything that is wrong with a body or a query; `path` is a JSON Pointer into it. */
  readonly errors: FieldProblem[]
  /** `X-Request-Id` of the exchange, to find it in the logs: not the id of a queued request. */
  readonly requestId: string | null
  /** When trying again makes sense, ms from now, where the API said so. */
  readonly retryAfterMs: number | null
  /** Of `enqueue` and `enqueueMany`: repeated with this key and the same requests, nothing is stored twice. */
  readonly idempotencyKey: string | null
  /** The requests may have been stored although no answer said so. */
  readonly maybeStored: boolean
  /** Of `enqueueMany` with more requests than one call takes: those that are stored, the first of them all. */
  readonly enqueued: EnqueuedRequest[]

  constructor(code: AIRequestQueueErrorCode, detail: string, facts: ErrorFacts = {}) {
    super(detail, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = code
    this.detail = detail
    this.status = facts.status ?? null
    this.errors = facts.errors ?? []
    this.requestId = facts.requestId ?? null
    this.retryAfterMs = facts.retryAfterMs ?? null
    this.idempotencyKey = facts.idempotencyKey ?? null
    this.maybeStored = facts.maybeStored ?? false
    this.enqueued = facts.enqueued ?? []
  }

  /** The same error, with more that is known of it. */
  with(facts: ErrorFacts): AIRequestQueueError {
    return new AIRequestQueueError(this.code, this.detail, { ...this, cause: this.cause, ...facts })
  }
}
