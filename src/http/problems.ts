import { AppError, PROBLEM_STATUS } from "../core/errors.ts"
import { jsonLog } from "../core/log.ts"
import type { AppContext } from "./context.ts"
import { anthropicError, dialectOf, openaiError } from "./dialect.ts"

type Status = (typeof PROBLEM_STATUS)[keyof typeof PROBLEM_STATUS]

/** `type` is `about:blank`, so titles are HTTP's own (RFC 9457, 4.2.1). */
const TITLES: Record<Status, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
}

/** Where the error does not know better, seconds: 429 and 503 always say when. */
const RETRY_AFTER_SECONDS = 10

/** The only place where errors become answers. What nobody threw on purpose is told and logged without its text. */
export function answerError(thrown: unknown, c: AppContext): Response {
  const error = thrown instanceof AppError ? thrown : new AppError("internal", "Something went wrong here.")
  if (error.status >= 500) logError(error, thrown, c)
  const status = PROBLEM_STATUS[error.code]
  if (status === 401) c.header("WWW-Authenticate", "Bearer")
  if (status === 429 || status === 503) {
    c.header("Retry-After", String(error.retryAfterSeconds ?? RETRY_AFTER_SECONDS))
  }
  const { code, message: detail, errors, extra } = error
  switch (dialectOf(c)) {
    case "action":
      return c.json({ success: false, error: detail, code, ...extra }, status)
    case "openai":
      discourageRetry(c, error)
      return c.json(openaiError(error), status)
    case "anthropic":
      discourageRetry(c, error)
      return c.json(anthropicError(error, c.res.headers.get("X-Request-Id")), status)
  }
  const problem = { type: "about:blank", title: TITLES[status], status, detail, code, errors, ...extra }
  return c.body(JSON.stringify(problem), status, { "Content-Type": "application/problem+json" })
}

/**
 * Their clients repeat a 503 by themselves; of what may be stored all the same that would be a second, paid call, unless
 * an Idempotency-Key makes the two one.
 */
function discourageRetry(c: AppContext, { extra }: AppError): void {
  const isSafe = c.req.header("Idempotency-Key") !== undefined
  if (extra?.maybeStored === true && !isSafe) c.header("x-should-retry", "false")
}

export function answerNotFound(c: AppContext): Response {
  return answerError(new AppError("not_found", "There is nothing at this path."), c)
}

function logError({ code, op }: AppError, thrown: unknown, c: AppContext): void {
  const name = thrown instanceof Error ? thrown.name : typeof thrown
  jsonLog.error("answer_failed", { code, op, name, requestId: c.res.headers.get("X-Request-Id") })
}
