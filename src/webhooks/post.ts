import type { Clock } from "../core/clock.ts"
import type { DeliveryAttempt, DeliveryError } from "../core/delivery.ts"
import { readRetryAfter } from "../core/retry-after.ts"
import { VERSION } from "../core/version.ts"

const TIMEOUT_MS = 15_000
const GONE = 410
/** Answers whose `Retry-After` is heard. */
const PATIENT = [429, 503]

interface Call {
  url: string
  body: string
  /** Of the signature. */
  headers: Record<string, string>
}

export interface Posted {
  attempt: DeliveryAttempt
  /** How long it wants to be left alone; null: it has not said. */
  askedMs: number | null
}

/**
 * One call of a receiver. Any 2xx is a delivery; a redirect is followed never, since it would lead past the check of the host.
 * Its answer is not read: only its status and how long to wait.
 */
export async function post(
  { url, body, headers }: Call,
  { fetch, clock }: { fetch: typeof globalThis.fetch; clock: Clock },
): Promise<Posted> {
  const at = clock()
  const ended = (status: number | null, error: DeliveryError | null): DeliveryAttempt => ({
    ...{ at, status, durationMs: Math.max(0, clock() - at), error },
  })
  try {
    const answer = await fetch(url, {
      method: "POST",
      redirect: "manual",
      headers: {
        ...headers,
        "content-type": "application/json",
        "user-agent": `ai-request-queue/${VERSION}`,
      },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    void answer.body?.cancel().catch(() => undefined)
    const askedMs = PATIENT.includes(answer.status) ? readRetryAfter(answer.headers, clock()) : null
    return { attempt: ended(answer.status, errorOf(answer.status)), askedMs }
  } catch (error) {
    const isTimeout = error instanceof Error && error.name === "TimeoutError"
    return { attempt: ended(null, isTimeout ? "timeout" : "network"), askedMs: null }
  }
}

function errorOf(status: number): DeliveryError | null {
  if (status >= 200 && status < 300) return null
  if (status === GONE) return "gone"
  return status >= 300 && status < 400 ? "redirect" : "status"
}
