import type { Random } from "../core/clock.ts"
import type { Claim } from "../queue/contract.ts"
import { backOff } from "./back-off.ts"

/** A store that failed that often in a row is away: the next tick tries again. */
const MAX_FAILURES = 3
/** When who has found it away may ask again. */
const AWAY_MS = 10_000
/** Between looks that find nothing although something should be there; grows fourfold up to the cap. */
const EMPTY_BASE_MS = 200
const EMPTY_CAP_MS = 30_000

/** When it makes sense to claim. */
export class Appetite {
  #lookAt = 0
  /** What the last claim said of when something will be there. */
  #promisedAt = Number.POSITIVE_INFINITY
  #remaining = 0
  #empties = 0
  #failures = 0
  #retryAt = 0
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** When a claim can find something next, epoch ms; never: Infinity. */
  nextAt(now: number): number {
    if (this.#failures > 0) return now + AWAY_MS
    return this.#remaining > 0 ? now : Math.max(this.#lookAt, now)
  }

  /** How many requests a claim could find now, as far as is known. */
  wanted(now: number): number {
    return Math.max(this.#remaining, this.#lookAt <= now ? 1 : 0)
  }

  /** Something new may be there. */
  kick(): void {
    this.#lookAt = 0
  }

  /** When to claim next, epoch ms. `isStarving`: nothing waits to be called, so what is left is wanted now. */
  dueAt(isStarving: boolean): number {
    return Math.max(this.#retryAt, isStarving && this.#remaining > 0 ? 0 : this.#lookAt)
  }

  /** Whether a claim may go along with a settle: it costs no round trip then, and keeps what is known fresh. */
  mayJoin(now: number): boolean {
    return now >= this.#retryAt
  }

  /** The store is there. */
  answered(): void {
    this.#failures = 0
    this.#retryAt = 0
  }

  claimed(claim: Claim, now: number): void {
    const isEmpty = claim.requests.length === 0 && claim.overdue.length === 0
    const wakeAt = claim.wakeAt ?? Number.POSITIVE_INFINITY
    // Most claims that find nothing went along with answers, before anything was to be expected.
    const isDisappointing = isEmpty && Math.min(this.#promisedAt, wakeAt) <= now
    this.#empties = isDisappointing ? this.#empties + 1 : 0
    this.#remaining = isEmpty ? 0 : claim.remaining
    const pauseMs = isDisappointing ? Math.min(EMPTY_CAP_MS, EMPTY_BASE_MS * 4 ** (this.#empties - 1)) : 0
    this.#promisedAt = wakeAt
    this.#lookAt = Math.max(wakeAt, now + pauseMs)
  }

  failed(now: number): void {
    this.#failures += 1
    this.#retryAt =
      this.#failures < MAX_FAILURES ? now + backOff(this.#failures, this.#random) : Number.POSITIVE_INFINITY
  }
}
