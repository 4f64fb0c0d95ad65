import type { AppContext } from "./context.ts"
import { cancelRequest } from "./requests.ts"
import { afterAnswer } from "./resource.ts"

/** The caller of one exchange, who waits for a request. */
export interface Caller {
  /** Aborted when the caller has left. */
  signal: AbortSignal
  /** To be called when the answer is complete, or does not wait: from then on leaving means nothing. */
  release(): void
  /** The caller has left, as the stream of the answer tells. */
  leave(): void
}

/**
 * Cancels the request when its caller leaves without the answer, so that who tries again never pays twice. Who gave an
 * Idempotency-Key will come back for it: then it goes on. Workers tell by `request.signal`, which needs the
 * compatibility flag `enable_request_signal`.
 */
export function watchCaller(c: AppContext, requestId: string): Caller {
  const controller = new AbortController()
  const { signal } = c.req.raw
  const release = () => signal.removeEventListener("abort", leave)
  const leave = () => {
    if (controller.signal.aborted) return
    release()
    controller.abort()
    if (c.req.header("Idempotency-Key") === undefined) afterAnswer(c, abandon(c, requestId))
  }
  if (signal.aborted) leave()
  else signal.addEventListener("abort", leave)
  return { signal: controller.signal, release, leave }
}

/** Cancels what nobody waits for any more; a dead letter stays. Never throws. One round trip. */
export async function abandon(c: AppContext, requestId: string): Promise<void> {
  try {
    await cancelRequest(c, requestId, "keep")
  } catch {
    // It is finished, or the store is away: then it is called, and its answer kept for who asks for it.
  }
}
