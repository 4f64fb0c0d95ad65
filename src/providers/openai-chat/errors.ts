import { problemOfStatus } from "../failures.ts"
import { fieldsOf, isObject, parseOrNull } from "../json.ts"
import type { ErrorReport, Problem } from "../wire.ts"

/** The parts of an error body that are read; compatible endpoints differ in all of them. */
interface WireError {
  message: string
  type: string
  code: string
}

/** Balance empty or a limit of the account reached: codes of OpenAI, some under the type of another. */
const QUOTA =
  /^(insufficient_quota|credit_balance_exhausted|billing_hard_limit_reached|billing_not_active|organization_usage_limit_exceeded|\w+_spend_limit_(exceeded|reached))$/
const OVERLOADED = /^(server_is_overloaded|overloaded|overloaded_error|engine_overloaded)$/

/** An answer with an error status. */
export function explainError(status: number, body: string): ErrorReport {
  const error = readError(parseOrNull(body))
  return { problem: problemOf(status, error), vendorText: error.message, requestId: null }
}

/** An error inside an answer that began with 200; null when there is none. */
export function explainStreamError(parsed: { error?: unknown }): ErrorReport | null {
  if (parsed.error === undefined || parsed.error === null) return null
  const error = readError(parsed)
  return { problem: problemOf(statusInStream(error), error), vendorText: error.message, requestId: null }
}

function problemOf(status: number, { message, type, code }: WireError): Problem {
  if (QUOTA.test(code) || QUOTA.test(type)) return "quota"
  if (status === 403 && /region|territory|country|location/i.test(`${code} ${message}`)) return "region"
  // One request that alone exceeds the limit per minute is not cured by waiting, and must not block others.
  if (status === 429 && /^Request too large/i.test(message)) return "rejected"
  if (OVERLOADED.test(code) || OVERLOADED.test(type)) return "overloaded"
  return problemOfStatus(status)
}

/** The status that the error would have had, had it come before the stream. */
function statusInStream({ type, code }: WireError): number {
  // Gateways put the status of what is behind them into the code.
  const numeric = Number(code)
  if (numeric >= 400 && numeric <= 599) return numeric
  const words = `${code} ${type}`
  if (/rate_limit/.test(words)) return 429
  if (/invalid_api_key|authentication/.test(words)) return 401
  return /invalid_request|content_filter|context_length/.test(words) ? 400 : 500
}

/** `{error: {…}}`, `{error: "…"}`, `{message, code}`, `{detail}`, or one of them in a list. */
function readError(parsed: unknown): WireError {
  const body = fieldsOf(Array.isArray(parsed) ? parsed[0] : parsed)
  const error = isObject(body.error) ? body.error : body
  const message = error.message ?? body.error ?? error.detail
  return {
    message: typeof message === "string" ? message : "",
    type: word(error.type),
    code: word(error.code),
  }
}

function word(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : ""
}
