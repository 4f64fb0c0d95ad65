import type { ErrorCode, RequestError, RequestStatus } from "../core/outcome.ts"

/** The body of every error under OpenAI's paths. */
export interface OpenAiError {
  error: { message: string; type: string; param: string | null; code: string | null }
}

interface Shape {
  status: number
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

/** How a request that failed looks to OpenAI's SDK. */
export function toVendorError(error: RequestError): { status: number; body: OpenAiError } {
  const { status, type, code = error.code } = SHAPES[error.code]
  const { status: theirs } = error
  const isRefusal = error.code === "provider_rejected" && theirs !== null && [404, 413, 422].includes(theirs)
  return {
    status: isRefusal ? theirs : status,
    body: { error: { message: error.message, type, param: null, code } },
  }
}

/** The same of a request that ended without an answer: failed, or cancelled. */
export function explainEnd({ state, error }: Pick<RequestStatus, "state" | "error">): {
  status: number
  body: OpenAiError
} {
  if (state !== "cancelled") {
    return toVendorError(
      error ?? { code: "internal", message: "There is no answer.", retryable: false, status: null },
    )
  }
  const message = "The request was cancelled."
  return {
    status: 409,
    body: { error: { message, type: "invalid_request_error", param: null, code: "request_cancelled" } },
  }
}
