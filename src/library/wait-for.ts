import type { Clock } from "../core/clock.ts"
import { AppError } from "../core/errors.ts"
import { isFinished, type RequestStatus } from "../core/outcome.ts"
import { sleep } from "../core/sleep.ts"
import { unknownRequest, WaitTimeoutError } from "./errors.ts"

export interface WaitOptions {
  /** Default: 60,000. */
  timeoutMs?: number
  /** Ends the wait; the request goes on. */
  signal?: AbortSignal
}

const DEFAULT_TIMEOUT_MS = 60_000
const FIRST_PAUSE_MS = 250
const PAUSE_GROWTH = 1.5
const LONGEST_PAUSE_MS = 5000
/** A known wait is slept through, but a cancel must not go unseen for long. */
const LONGEST_KNOWN_PAUSE_MS = 30_000

/**
 * Asks `read` until the request has ended. Throws `not_found`, `WaitTimeoutError`, or the signal's reason. A store
 * that is away is waited for.
 */
export async function waitUntilFinished(
  read: () => Promise<RequestStatus | null>,
  requestId: string,
  { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: WaitOptions,
  clock: Clock,
): Promise<RequestStatus> {
  if (!(timeoutMs >= 0)) throw new AppError("invalid_request", "timeoutMs must be a number of milliseconds.")
  const until = clock() + timeoutMs
  let last: RequestStatus | null = null
  let cause: unknown
  let pauseMs = FIRST_PAUSE_MS
  for (;;) {
    signal?.throwIfAborted()
    try {
      const status = await read()
      if (status === null) throw unknownRequest()
      if (isFinished(status.state)) return status
      if (status.state !== last?.state) pauseMs = FIRST_PAUSE_MS
      last = status
      cause = undefined
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "store_unavailable") throw error
      cause = error
    }
    const now = clock()
    if (now >= until) throw new WaitTimeoutError(requestId, timeoutMs, last, cause)
    await sleep(Math.min(until - now, Math.max(pauseMs, knownWaitMs(last, now))), signal)
    pauseMs = Math.min(pauseMs * PAUSE_GROWTH, LONGEST_PAUSE_MS)
  }
}

/** Until a scheduled request is due, or for half of what a pending one is expected to wait: estimates are no promise. */
function knownWaitMs(status: RequestStatus | null, now: number): number {
  const dueAt = status?.state === "scheduled" ? status.scheduledAt : null
  const expectedMs = ((status?.estimatedStartAt?.p50 ?? now) - now) / 2
  return Math.min(dueAt === null ? expectedMs : dueAt - now, LONGEST_KNOWN_PAUSE_MS)
}
