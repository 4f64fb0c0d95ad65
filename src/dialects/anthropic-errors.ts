import type { ErrorCode, RequestError, RequestStatus } from "../core/outcome.ts"

/** The body of every error under Anthropic's paths. */
interface AnthropicError {
  type: "error"
  error: { type: string; message: string }
  request_id: string | null
}

interface VendorError {
  status: number
  body: AnthropicError
}

/** 401, 402 and 403 would blame the caller's key: the provider refused this queue's. */
const SHAPES: Record<ErrorCode, [status: number, type: string]> = {
  provider_rejected: [400, "invalid_request_error"],
  provider_auth: [502, "api_error"],
  provider_quota: [429, "rate_limit_error"],
  provider_rate_limited: [429, "rate_limit_error"],
  provider_unavailable: [503, "api_error"],
  provider_overloaded: [529, "overloaded_error"],
  provider_invalid_response: [502, "api_error"],
  timeout: [504, "timeout_error"],
  network: [502, "api_error"],
  deadline_exceeded: [504, "timeout_error"],
  lease_expired: [500, "api_error"],
  result_too_large: [500, "api_error"],
  internal: [500, "api_error"],
}

/** What a provider's refusal is called, by its own status. */
const REFUSALS = new Map<number | null, string>([
  [404, "not_found_error"],
  [413, "request_too_large"],
])

/** How a request that failed looks to Anthropic's SDK. `requestId`: under which it is found here. */
export function toVendorError(error: RequestError, requestId: string | null): VendorError {
  const [status, type] = SHAPES[error.code]
  const refusal = error.code === "provider_rejected" ? REFUSALS.get(error.status) : undefined
  return errorOf(
    refusal === undefined ? status : (error.status ?? status),
    refusal ?? type,
    error.message,
    requestId,
  )
}

/** The same of a request without an answer: failed, cancelled, or not finished while it was waited for. */
export function explainEnd({
  state,
  error,
  requestId,
}: Pick<RequestStatus, "state" | "error" | "requestId">): VendorError {
  if (state === "failed" && error !== null) return toVendorError(error, requestId)
  if (state === "cancelled") {
    return errorOf(409, "invalid_request_error", "The request was cancelled.", requestId)
  }
  const wayOut = `it goes on, and GET /v1/requests/${requestId} tells what becomes of it`
  return errorOf(504, "timeout_error", `The request is not finished yet: ${wayOut}.`, requestId)
}

/** Its text was passed on while it came; then the attempt broke off, and the next one answered something else. */
export function explainContradiction(requestId: string): VendorError {
  const message = "The answer broke off, and the next attempt's does not begin in the same way."
  return errorOf(502, "api_error", message, requestId)
}

export function errorOf(
  status: number,
  type: string,
  message: string,
  requestId: string | null,
): VendorError {
  return { status, body: { type: "error", error: { type, message }, request_id: requestId } }
}
