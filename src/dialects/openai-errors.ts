import type { ErrorCode, RequestError, RequestStatus } from "../core/outcome.ts"

/** The body of every error under OpenAI's paths. */
interface OpenAiError {
  error: { message: string; type: string; param: string | null; code: string | null }
}

type VendorStatus = 400 | 404 | 409 | 413 | 422 | 429 | 500 | 502 | 503 | 504

export interface VendorError {
  status: VendorStatus
  body: OpenAiError
}

interface Shape {
  status: VendorStatus
  type: string
  /** Where clients know it by another name than ours. */
  code?: string
}

/** 401 and 403 would blame the caller's key: the provider refused this queue's. */
const SHAPES: Record<ErrorCode, Shape> = {
  provider_rejected: { status: 400, type: "invalid_request_error" },
  provider_auth: { status: 502, type: "server_error" },
  provider_quota: { status: 429, type: "insufficient_quota", code: "insufficient_quota" },
  provider_rate_limited: { status: 429, type: "rate_limit_error", code: "rate_limit_exceeded" },
  provider_unavailable: { status: 503, type: "server_error" },
  provider_overloaded: { status: 503, type: "server_error" },
  provider_invalid_response: { status: 502, type: "server_error" },
  timeout: { status: 504, type: "server_error" },
  network: { status: 502, type: "server_error" },
  deadline_exceeded: { status: 504, type: "server_error" },
  lease_expired: { status: 500, type: "server_error" },
  result_too_large: { status: 500, type: "server_error" },
  internal: { status: 500, type: "server_error" },
}

/** A provider's statuses that say what was wrong with the request. */
const REFUSALS = [404, 413, 422] as const

/** How a request that failed looks to OpenAI's SDK. */
export function toVendorError({ code: ours, message, status: theirs }: RequestError): VendorError {
  const { status, type, code = ours } = SHAPES[ours]
  const refusal = ours === "provider_rejected" ? REFUSALS.find((each) => each === theirs) : undefined
  return vendorError(refusal ?? status, type, code, message)
}

/** The same of a request without an answer: failed, cancelled, or not finished while it was waited for. */
export function explainEnd({
  requestId,
  state,
  error,
}: Pick<RequestStatus, "requestId" | "state" | "error">): VendorError {
  if (state === "failed" && error !== null) return toVendorError(error)
  if (state === "cancelled") {
    return vendorError(409, "invalid_request_error", "request_cancelled", "The request was cancelled.")
  }
  const wayOut = `it goes on, and GET /v1/requests/${requestId} tells what becomes of it`
  return vendorError(504, "server_error", "not_finished", `The request is not finished yet: ${wayOut}.`)
}

/** Its text was passed on while it came; then the attempt broke off, and the next one answered something else. */
export function explainContradiction(): VendorError {
  const message = "The answer broke off, and the next attempt's does not begin in the same way."
  return vendorError(502, "server_error", "answer_broke_off", message)
}

function vendorError(status: VendorStatus, type: string, code: string, message: string): VendorError {
  return { status, body: { error: { message, type, param: null, code } } }
}
