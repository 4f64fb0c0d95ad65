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
const FINISHED: readonly string[] = ["completed", "failed", "cancelled"] satisfies FinishedState[]

/** Looks until the request has ended: as often as the answers ask for, else ever less often; once more at the end. */
export async function waitFor(
  requestId: string,
  look: (signal: AbortSignal | undefined) => Promise<Look>,
  { timeoutMs = TIMEOUT_MS, signal }: WaitOptions,
): Promise<FinishedRequest> {
  const until = Date.now() + timeoutMs
  for (let backoffMs = FIRST_PAUSE_MS; ; backoffMs = Math.min(backoffMs * GROWTH, LONGEST_PAUSE_MS)) {
    const { request, retryAfterMs } = await look(signal)
    if (request === null) {
      throw new AIRequestQueueError("not_found", `${requestId} is not known, or its time to live is over.`)
    }
    if (isFinished(request)) return request
    const leftMs = until - Date.now()
    if (leftMs <= 0) {
      const message = `${requestId} is still ${request.state} after ${timeoutMs} ms.`
      throw new AIRequestQueueError("wait_timeout", message)
    }
    await pause(Math.min(leftMs, retryAfterMs ?? jitter(backoffMs)), signal)
  }
}

function isFinished(request: StatusReply): request is FinishedRequest {
  return FINISHED.includes(request.state)
}
