import { CommanderError } from "commander"
import { AIRequestQueueError } from "../client/client.ts"
import { AppError } from "../core/errors.ts"

/** What the process ends with; `--help` shows them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, unfinished: 4, interrupted: 130 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** What the command line itself finds wrong; the message says what to do. */
export class UsageError extends Error {
  override readonly name = "UsageError"
}

/** Stopped by a signal, at a place where it can be taken up again. */
export class Interrupted extends Error {
  override readonly name = "Interrupted"
}

/** Of commands that work on the store itself. */
const STORE_CODES: Record<string, ExitCode> = {
  invalid_request: EXIT.usage,
  store_unavailable: EXIT.unreachable,
}
const AWAY_STATUSES = [502, 503, 504]

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof UsageError) return EXIT.usage
  if (error instanceof Interrupted) return EXIT.interrupted
  if (error instanceof AppError) return STORE_CODES[error.code] ?? EXIT.failed
  if (!(error instanceof AIRequestQueueError)) return EXIT.failed
  if (error.code === "wait_timeout") return EXIT.unfinished
  const isAway =
    error.status === null || error.code === "invalid_answer" || AWAY_STATUSES.includes(error.status)
  return isAway && error.code !== "not_found" ? EXIT.unreachable : EXIT.failed
}

/** For a reader: what went wrong, where, and what could help. */
export function explain(error: unknown): string {
  if (!(error instanceof AIRequestQueueError)) return error instanceof Error ? error.message : String(error)
  const lines = [error.detail]
  if (error.errors.length > 1) lines.push(...error.errors.map(({ path, message }) => `  ${path} ${message}`))
  const hint = HINTS[error.code]
  if (hint !== undefined) lines.push(hint)
  if (error.requestId !== null) lines.push(`(${error.code}, X-Request-Id ${error.requestId})`)
  return lines.join("\n")
}

const HINTS: Record<string, string> = {
  unauthorized: "Set AIQ_API_KEY to a key that the queue knows.",
  forbidden: "Use a key with that scope: an operator can issue one with `keys issue`.",
  unreachable: "Is it running? AIQ_URL or --url says where it is.",
  invalid_answer: "AIQ_URL or --url says where the queue is.",
}

/** For a script. */
export function toJson(error: unknown): Record<string, unknown> {
  if (error instanceof AppError) return { error: { code: error.code, detail: error.message } }
  const { code, detail, status, errors, requestId, retryAfterMs } =
    error instanceof AIRequestQueueError
      ? error
      : { code: error instanceof UsageError ? "usage" : "internal", detail: explain(error) }
  return { error: { code, detail, status, errors, requestId, retryAfterMs } }
}
