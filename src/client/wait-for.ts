import type { FinishedState } from "../core/request.ts"
import { AIRequestQueueError } from "./error.ts"
import { jitter, pause } from "./pause.ts"
import type { FinishedRequest, StatusReply } from "./types.ts"

export interface WaitOptions {
  /** How long at most; default 600,000. */
  timeoutMs?: number
  /** Ends the waiting, not the request. */
  signal?: AbortSignal
}

/** What is known of the request now, and how long to leave it alone; null: the answer does not say. */
export interface Look {
  request: StatusReply | null
  retryAfterMs: number | null
}

const TIMEOUT_MS = 600_000
const FIRST_PAUSE_MS = 250
const GROWTH = 1.5
const LONGEST_PAUSE_MS = 5_000
/** The answer itself is waited for when it is expected so soon; no proxy should mind that. */
const LONGEST_HOLD_SECONDS = 20
/** What is kept of the time that a call may take. */
const CALL_MARGIN_SECONDS = 5
const FINISHED: readonly string[] = ["completed", "failed", "cancelled"] satisfies FinishedState[]

/**
 * Looks until the request has ended: where its end may be near the answer is held back until then, else as often as the
 * answers ask for, or ever less often; once more at the end. `look` is told for how many seconds to hold its answer, which
 * fits into `callTimeoutMs`.
 */
export async function waitFor(
  requestId: string,
  look: (signal: AbortSignal | undefined, holdSeconds: number) => Promise<Look>,
  { timeoutMs = TIMEOUT_MS, signal }: WaitOptions,
  callTimeoutMs: number,
): Promise<FinishedRequest> {
  const until = Date.now() + timeoutMs
  const longestHold = Math.min(LONGEST_HOLD_SECONDS, Math.floor(callTimeoutMs / 1000) - CALL_MARGIN_SECONDS)
  let holdSeconds = 0
  for (let backoffMs = FIRST_PAUSE_MS; ; backoffMs = Math.min(backoffMs * GROWTH, LONGEST_PAUSE_MS)) {
    const { request, retryAfterMs } = await look(signal, holdSeconds)
    if (request === null) {
      throw new AIRequestQueueError("not_found", `${requestId} is not known, or its time to live is over.`)
    }
    if (isFinished(request)) return request
    const leftMs = until - Date.now()
    if (leftMs <= 0) {
      const message = `${requestId} is still ${request.state} after ${timeoutMs} ms.`
      throw new AIRequestQueueError("wait_timeout", message)
    }
    const isNear = retryAfterMs !== null && retryAfterMs <= LONGEST_HOLD_SECONDS * 1000
    holdSeconds = isNear ? Math.max(0, Math.min(longestHold, Math.floor(leftMs / 1000))) : 0
    if (holdSeconds > 0) continue
    await pause(Math.min(leftMs, retryAfterMs ?? jitter(backoffMs)), signal)
  }
}

function isFinished(request: StatusReply): request is FinishedRequest {
  return FINISHED.includes(request.state)
}
