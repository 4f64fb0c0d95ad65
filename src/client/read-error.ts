import type { FieldProblem } from "../core/errors.ts"
import { AIRequestQueueError } from "./error.ts"

/** The error that an answer tells of, or that it is none of this API. */
export function readError(response: Response, value: unknown): AIRequestQueueError {
  const { status, headers } = response
  const facts = {
    status,
    requestId: headers.get("X-Request-Id"),
    retryAfterMs: readRetryAfter(headers.get("Retry-After"), Date.now()),
  }
  const { code, detail, errors, maybeStored } = membersOf(value)
  if (typeof code !== "string" || typeof detail !== "string") {
    const message = `The answer, with status ${status}, is none of the queue's: is the URL right?`
    return new AIRequestQueueError("invalid_answer", message, facts)
  }
  return new AIRequestQueueError(code, detail, {
    ...facts,
    errors: Array.isArray(errors) ? errors.filter(isFieldProblem) : [],
    maybeStored: maybeStored === true,
  })
}

/** Of a header that holds seconds or a date: ms from `now`, at least 0. null: there is none, or nonsense. */
export function readRetryAfter(text: string | null, now: number): number | null {
  if (text === null) return null
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : Math.max(0, at - now)
}

function isFieldProblem(value: unknown): value is FieldProblem {
  const { path, message } = membersOf(value)
  return typeof path === "string" && typeof message === "string"
}

export function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {}
}
