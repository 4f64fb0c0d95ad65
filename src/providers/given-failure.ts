import * as z from "zod/mini"
import { check, invalid } from "../core/contracts/problem.ts"
import { whole } from "../core/contracts/whole.ts"
import { ERROR_CODES, type ErrorCode } from "../core/outcome.ts"
import type { CallFailure, CallOutcome } from "./provider.ts"
import { redact } from "./redact.ts"

/** Why an attempt failed. What is not said follows from `code`. */
export interface FailureReport {
  /** Default: `internal`. */
  code?: ErrorCode
  /** Shown by the request's status; at most 500 characters of it, without what looks like a key. */
  message?: string
  /** Whether another try makes sense. */
  retryable?: boolean
  /** No retry before that. */
  retryAfterMs?: number
}

const LONGEST_WAIT_MS = 86_400_000
const Report = z.strictObject({
  code: z.optional(z.enum(ERROR_CODES)),
  message: z.optional(z.string()),
  retryable: z.optional(z.boolean()),
  retryAfterMs: z.optional(whole(0, LONGEST_WAIT_MS)),
})

const meaning = (scope: CallFailure["scope"], retryable: boolean, possiblyBilled: boolean) => ({
  scope,
  retryable,
  possiblyBilled,
})

/** What a code says beside itself, as where the queue's own calls fail. */
const MEANINGS: Record<ErrorCode, ReturnType<typeof meaning>> = {
  provider_rejected: meaning("request", false, false),
  provider_auth: meaning("account", false, false),
  provider_quota: meaning("account", false, false),
  provider_rate_limited: meaning("provider", true, false),
  provider_unavailable: meaning("provider", true, false),
  provider_overloaded: meaning("provider", true, false),
  provider_invalid_response: meaning("request", true, true),
  timeout: meaning("request", true, true),
  network: meaning("provider", true, true),
  deadline_exceeded: meaning("request", false, true),
  lease_expired: meaning("request", true, true),
  result_too_large: meaning("request", false, true),
  internal: meaning("request", true, true),
}

/** Throws `invalid_request` for a report with an unknown code or member. */
export function readFailure(error: string | Error | FailureReport): CallOutcome {
  const { code = "internal", message, retryAfterMs = null, ...told } = readReport(error)
  const { scope, possiblyBilled, retryable } = MEANINGS[code]
  const failure: CallFailure = {
    error: {
      code,
      message: redact(message ?? "") || "The request failed, and nothing was said of why.",
      retryable: told.retryable ?? retryable,
      status: null,
    },
    ...{ scope, retryAfterMs, possiblyBilled, providerRequestId: null, partialText: null },
  }
  return { kind: "failed", failure, usage: null }
}

function readReport(error: string | Error | FailureReport): z.infer<typeof Report> {
  if (typeof error === "string") return { message: error }
  const read = check(Report, error instanceof Error ? membersOf(error) : error)
  if (read.value !== null) return read.value
  throw invalid("The error", read.problems)
}

/**
 * An error may say more than its message, by the same names; `AbortSignal.timeout` says it by its own. What other
 * libraries keep under these names is none of ours.
 */
function membersOf(error: Error): Record<string, unknown> {
  const told = error as Error & Record<string, unknown>
  const code = error.name === "TimeoutError" ? "timeout" : told.code
  const members = { code, message: error.message, retryable: told.retryable, retryAfterMs: told.retryAfterMs }
  const known = Object.entries(members).filter(
    ([name, value]) => check(Report, { [name]: value }).value !== null,
  )
  return Object.fromEntries(known)
}
