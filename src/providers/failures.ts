import type { ErrorCode } from "../core/outcome.ts"
import { readRetryAfter, readShouldRetry } from "../core/retry-after.ts"
import type { Clock } from "./clocks.ts"
import type { CallFailure } from "./provider.ts"
import { redact } from "./redact.ts"
import type { ErrorReport, Problem } from "./wire.ts"

type Meaning = [code: ErrorCode, scope: CallFailure["scope"], retryable: boolean, message: string]

const MEANINGS: Record<Problem, Meaning> = {
  rejected: ["provider_rejected", "request", false, "The provider rejected the request."],
  auth: ["provider_auth", "account", false, "The provider refused the API key or its permissions."],
  quota: [
    "provider_quota",
    "account",
    false,
    "The provider's account is out of credit or over a spend limit.",
  ],
  region: [
    "provider_unavailable",
    "provider",
    true,
    "The provider does not serve the region it was called from.",
  ],
  rate_limited: ["provider_rate_limited", "provider", true, "The provider's rate limit is reached."],
  overloaded: ["provider_overloaded", "provider", true, "The provider is overloaded."],
  unavailable: ["provider_unavailable", "provider", true, "The provider is not available."],
  try_again: ["provider_unavailable", "request", true, "The provider could not take the request just now."],
  invalid_response: ["provider_invalid_response", "request", true, "The provider's answer is not valid."],
}

const CLOCK_MESSAGES: Record<Clock, string> = {
  first_event: "The provider sent no content in time.",
  idle: "The provider stopped sending content.",
  total: "The provider did not finish in time.",
}

/** Gateway timeouts: the model behind may have run. */
const MAY_HAVE_RUN = new Set([504, 524])

/** What a status means where the body does not say more. */
export function problemOfStatus(status: number): Problem {
  if (status === 401 || status === 403) return "auth"
  if (status === 402) return "quota"
  if (status === 429) return "rate_limited"
  if (status === 408 || status === 409 || status === 425) return "try_again"
  if (status === 529) return "overloaded"
  if (status >= 500) return "unavailable"
  return status >= 400 ? "rejected" : "invalid_response"
}

/** Where a failure happened. `started`: the answer had begun, so it may be charged. */
export interface Scene {
  status: number
  headers: Headers
  requestId: string | null
  started: boolean
  /** Of a limit that is used up; where there is no `retry-after`, ms. */
  resetMs: number | null
}

/** Each attempt keeps one. */
const MAX_ID_CHARS = 200

/** A vendor's id of a call, as far as it is kept: whoever answers may write a header as long as headers go. */
export function shortenId(id: string | null): string | null {
  return id === null ? null : id.slice(0, MAX_ID_CHARS)
}

/** A vendor's error as a failure of the call. */
export function failureOfReport(report: ErrorReport, scene: Scene, now: number): CallFailure {
  const [code, scope, retryable, message] = MEANINGS[report.problem]
  const vendorText = report.problem === "rejected" ? redact(report.vendorText) : ""
  // An account's trouble is not cured by trying again, whatever a header says.
  const shouldRetry = scope === "account" ? null : readShouldRetry(scene.headers)
  return {
    error: {
      code,
      message: vendorText || message,
      retryable: shouldRetry ?? retryable,
      status: scene.status,
    },
    scope,
    retryAfterMs: readRetryAfter(scene.headers, now) ?? scene.resetMs,
    providerRequestId: scene.requestId ?? shortenId(report.requestId),
    possiblyBilled: scene.started || MAY_HAVE_RUN.has(scene.status),
    partialText: null,
  }
}

/** A failure that is ours to tell: no vendor error was read. `scene` is null before there was an answer. */
export function failure(
  code: ErrorCode,
  message: string,
  scene: Scene | null,
  details: Partial<Pick<CallFailure, "scope" | "possiblyBilled" | "partialText">> & { retryable: boolean },
): CallFailure {
  return {
    error: { code, message, retryable: details.retryable, status: scene?.status ?? null },
    scope: details.scope ?? "request",
    retryAfterMs: null,
    providerRequestId: scene?.requestId ?? null,
    possiblyBilled: details.possiblyBilled ?? true,
    partialText: details.partialText ?? null,
  }
}

/** A clock ran out. The provider may still be working, and charging. */
export function timeoutFailure(clock: Clock, scene: Scene | null): CallFailure {
  return failure("timeout", CLOCK_MESSAGES[clock], scene, { retryable: true })
}

/** `fetch` threw, or the connection broke while the answer was read. */
export function networkFailure(error: unknown, scene: Scene | null): CallFailure {
  return failure("network", "The connection to the provider failed.", scene, {
    scope: "provider",
    retryable: true,
    possiblyBilled: scene !== null || !neverConnected(error),
  })
}

/** Whether the request cannot have reached the provider: no name, no connection, no TLS. */
function neverConnected(error: unknown): boolean {
  let text = ""
  for (let cause = error; cause instanceof Error && text.length < 1000; cause = cause.cause) {
    text += ` ${"code" in cause ? String(cause.code) : ""} ${cause.message}`
  }
  return /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|CONNECT_TIMEOUT|refused|DNS|certificate|bad port|Invalid URL/i.test(
    text,
  )
}
