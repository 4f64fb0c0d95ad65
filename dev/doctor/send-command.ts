import type { StoreAccess } from "./target.ts"

/** What a store says to one command. */
export type Reply =
  | { kind: "result"; result: unknown; tookMs: number }
  /** It answered, but not with a result. `error` is safe to print. */
  | { kind: "refused"; status: number; error: string }
  | { kind: "unreachable"; reason: string }

const TIMEOUT_MS = 10_000
const ERROR_CHARS = 120

/** One round trip by plain fetch: the Worker's own client hides what is to be told apart here. Never throws. */
export async function sendCommand({ url, token }: StoreAccess, command: string[]): Promise<Reply> {
  const startedAt = performance.now()
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify(command),
      // Elsewhere the token is nobody's business.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = await answer.text()
    const tookMs = performance.now() - startedAt
    const { result, error } = parse(text)
    if (answer.ok && result !== undefined) return { kind: "result", result, tookMs }
    const words = typeof error === "string" ? error : "not an answer of Upstash's REST protocol"
    const safe = token === "" ? words : words.replaceAll(token, "…")
    return { kind: "refused", status: answer.status, error: safe.slice(0, ERROR_CHARS) }
  } catch (error) {
    return { kind: "unreachable", reason: reasonOf(error) }
  }
}

/** Why there was no answer, in one word, such as `ECONNREFUSED`. */
export function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError")
    return `silent for ${TIMEOUT_MS / 1000} s`
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
  return cause?.code ?? "no connection"
}

function parse(text: string): { result?: unknown; error?: unknown } {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === "object" && parsed !== null ? parsed : {}
  } catch {
    return {}
  }
}
