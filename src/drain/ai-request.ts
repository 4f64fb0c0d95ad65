import type { RequestBody, RequestHead, Target } from "../core/request.ts"
import type { ClaimedRequest } from "../queue/contract.ts"

/** A request that was dequeued, and is leased to whoever did: what is to be called, and all that is known of it. */
export interface AIRequest extends RequestHead, RequestBody {
  /** Whom to call: with a route or fallbacks not what `provider` and `model` say. */
  target: Target
  /** The number of this try: its fencing token. */
  attempt: number
  /** Tries before it that count against `maxRetries`. */
  retries: number
  /** Until then nobody else gets it, epoch ms. */
  leaseExpiresAt: number
}

export function toAIRequest({ lease, head, body, target, retries }: ClaimedRequest): AIRequest {
  return { ...head, ...body, target, attempt: lease.attempt, retries, leaseExpiresAt: lease.expiresAt }
}
