import { shorten } from "../core/contracts/problem.ts"
import type { AppError } from "../core/errors.ts"
import { ACTION_PATH } from "./action-path.ts"
import type { AppContext } from "./context.ts"

/** Whose API a route speaks: ours, the original action API, or a vendor's. */
export type Dialect = "own" | "action" | "openai" | "anthropic"

const OPENAI_PATH = /^\/v1\/(chat\/completions|models|responses|files|uploads|batches)(\/|$)/
const ANTHROPIC_PATH = /^\/v1\/messages(\/|$)/

/** By the path alone, so that also what is not found there is told in the words its callers know. */
export function dialectOf(c: AppContext): Dialect {
  const path = c.req.path.replace(/\/$/, "")
  if (path === ACTION_PATH) return "action"
  if (ANTHROPIC_PATH.test(path)) return "anthropic"
  if (!OPENAI_PATH.test(path)) return "own"
  // Both vendors list models there.
  const isAnthropic = c.req.header("anthropic-version") !== undefined
  return path.startsWith("/v1/models") && isAnthropic ? "anthropic" : "openai"
}

/** Whether the vendor's clients call it: with keys in their own header, and errors in their shape. */
export function isCompatible(c: AppContext): boolean {
  return ["openai", "anthropic"].includes(dialectOf(c))
}

const OPENAI_TYPES: Record<number, string> = { 403: "permission_error", 429: "rate_limit_error" }
const ANTHROPIC_TYPES: Record<number, string> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
}

/** An error of ours as OpenAI's clients expect it; `param` is the first member that is wrong. */
export function openaiError(error: AppError): Record<string, unknown> {
  const { status, code, message, errors, extra } = error
  const type = OPENAI_TYPES[status] ?? (status >= 500 ? "server_error" : "invalid_request_error")
  const param = toParam(errors?.[0]?.path ?? "")
  return { error: { message: explain(error, message), type, param, code, ...extra } }
}

/** The same for Anthropic's clients. */
export function anthropicError(error: AppError, exchangeId: string | null): Record<string, unknown> {
  const { status, message, extra } = error
  const type = ANTHROPIC_TYPES[status] ?? (status >= 500 ? "api_error" : "invalid_request_error")
  return {
    type: "error",
    error: { type, message: explain(error, message), ...extra },
    request_id: exchangeId,
  }
}

const MAX_SHOWN = 5

/** Their clients show the message alone, so it names every member that is wrong. */
function explain({ errors = [] }: AppError, message: string): string {
  if (errors.length < 2) return message
  const shown = errors
    .slice(0, MAX_SHOWN)
    .map(({ path, message: problem }) => `${shorten(toParam(path) ?? "the body")} ${problem}`)
  return `${message.replace(/: see errors\.$/, "")}: ${shown.join("; ")}${errors.length > MAX_SHOWN ? "; …" : "."}`
}

/** `/messages/0/content` as OpenAI writes it, `messages[0].content`; null: the whole body. */
function toParam(pointer: string): string | null {
  if (pointer === "") return null
  return pointer
    .slice(1)
    .replace(/\/(\d+)/g, "[$1]")
    .replaceAll("/", ".")
    .replaceAll("~1", "/")
    .replaceAll("~0", "~")
}
