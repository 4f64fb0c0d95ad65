import { problemOfStatus } from "../failures.ts"
import { fieldsOf, parseOrNull } from "../json.ts"
import type { ErrorReport, Problem } from "../wire.ts"

interface WireError {
  type: string
  message: string
  errorCode: string
}

/** The status each error type comes with; in a stream only the type comes. */
const STATUS_OF_TYPE = new Map<string, number>([
  ["invalid_request_error", 400],
  ["authentication_error", 401],
  ["billing_error", 402],
  ["permission_error", 403],
  ["not_found_error", 404],
  ["request_too_large", 413],
  ["rate_limit_error", 429],
  ["timeout_error", 504],
  ["overloaded_error", 529],
])

/** Limits of the account; they come as 400, 402 or 429, and waiting a minute cures none. */
const QUOTA_CODES = /_spend_limit_reached$|^linked_organization_billing_unavailable$/
const QUOTA_TEXT = /credit balance is too low|reached your specified (workspace )?API usage limits/i
const REGION_TEXT = /request not allowed|region|country|territory/i

/** An answer with an error status. */
export function explainError(status: number, body: string): ErrorReport {
  return explain(status, parseOrNull(body))
}

/** An error event after a 200. */
export function explainErrorEvent(event: unknown): ErrorReport {
  return explain(STATUS_OF_TYPE.get(readError(event).type) ?? 500, event)
}

function explain(status: number, body: unknown): ErrorReport {
  const error = readError(body)
  const requestId = fieldsOf(body).request_id
  return {
    problem: problemOf(status, error),
    vendorText: error.message,
    requestId: typeof requestId === "string" ? requestId : null,
  }
}

function problemOf(status: number, { type, message, errorCode }: WireError): Problem {
  if (type === "billing_error" || QUOTA_CODES.test(errorCode)) return "quota"
  if (status === 400 && QUOTA_TEXT.test(message)) return "quota"
  if (errorCode === "organization_on_hold") return "auth"
  // A region that is not served has no code of its own.
  if (status === 403 && (type === "forbidden" || REGION_TEXT.test(message))) return "region"
  if (type === "overloaded_error") return "overloaded"
  return problemOfStatus(status)
}

function readError(body: unknown): WireError {
  const error = fieldsOf(fieldsOf(body).error)
  const { error_code: errorCode } = fieldsOf(error.details)
  return {
    type: typeof error.type === "string" ? error.type : "",
    message: typeof error.message === "string" ? error.message : "",
    errorCode: typeof errorCode === "string" ? errorCode : "",
  }
}
