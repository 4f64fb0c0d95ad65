import type { ClaimedRequest, Lease } from "../queue/contract.ts"
import { sizeOf } from "./size.ts"

/** A request that this drain has claimed and not yet got an end for. */
export interface HeldRequest {
  claimed: ClaimedRequest
  /** Since when this drain holds it, epoch ms. */
  heldSince: number
  /** About, characters. */
  bodySize: number
  /** Until then its text is stored as it comes, epoch ms. */
  watchedUntil: number
  /** Its call has begun. */
  called: boolean
  /** It goes back, uncalled or its call broken off. */
  isGivenBack: boolean
  /** Ends the wait for a slot, or the call. */
  abort: AbortController
}

/** More than are claimed at a time. */
const MAX_EARLY = 1000

/** All that one drain has in hand. */
export class Hand {
  readonly #held = new Set<HeldRequest>()
  /** Who is watched is told while the claim is still on its way here. */
  readonly #early = new Map<string, number>()
  #bodySize = 0

  get size(): number {
    return this.#held.size
  }

  get bodySize(): number {
    return this.#bodySize
  }

  get uncalled(): number {
    let count = 0
    for (const { called } of this.#held) if (!called) count += 1
    return count
  }

  /** Whether something has waited since then or longer to be called. */
  uncalledSince(instant: number): boolean {
    for (const { called, heldSince } of this.#held) if (!called && heldSince <= instant) return true
    return false
  }

  take(claimed: ClaimedRequest, now: number): HeldRequest {
    const { requestId } = claimed.lease
    const watchedUntil = Math.max(claimed.watchedUntil, this.#early.get(requestId) ?? 0)
    this.#early.delete(requestId)
    const held: HeldRequest = {
      claimed,
      heldSince: now,
      watchedUntil,
      bodySize: sizeOf(claimed.body),
      called: false,
      isGivenBack: false,
      abort: new AbortController(),
    }
    this.#held.add(held)
    this.#bodySize += held.bodySize
    return held
  }

  drop(held: HeldRequest): void {
    if (this.#held.delete(held)) this.#bodySize -= held.bodySize
  }

  /** Leases held since then or longer. */
  leasesSince(instant: number): Lease[] {
    return [...this.#held].filter((held) => held.heldSince <= instant).map((held) => held.claimed.lease)
  }

  /** Until when texts are stored as they come, per request. */
  watch(watchedUntil: Map<string, number>): void {
    const early = new Map(watchedUntil)
    for (const held of this.#held) {
      const { requestId } = held.claimed.lease
      held.watchedUntil = watchedUntil.get(requestId) ?? held.watchedUntil
      early.delete(requestId)
    }
    for (const [requestId, until] of early) this.#early.set(requestId, until)
    const [oldest] = this.#early.size > MAX_EARLY ? this.#early.keys() : []
    if (oldest !== undefined) this.#early.delete(oldest)
  }

  /** What waits to be called at this provider waits no more, and goes back. */
  giveBack(provider: string): void {
    for (const held of this.#held) {
      if (held.called || held.claimed.target.provider !== provider) continue
      held.isGivenBack = true
      held.abort.abort()
    }
  }

  /** Everything goes back; calls are broken off. */
  giveBackAll(): void {
    for (const held of this.#held) {
      held.isGivenBack = true
      held.abort.abort()
    }
  }

  /** Ends what is being done under these leases. */
  abort(lost: Pick<Lease, "requestId" | "attempt">[]): void {
    const ids = new Set(lost.map((lease) => `${lease.requestId} ${lease.attempt}`))
    for (const { claimed, abort } of this.#held) {
      if (ids.has(`${claimed.lease.requestId} ${claimed.lease.attempt}`)) abort.abort()
    }
  }
}
