import type { Config } from "../core/config.ts"
import { INVOCATION, type Place, WALL_MS } from "./place.ts"

/** Kept free at the end of it: for what outlives its timeout, for settling, and for settling again. */
const CLOSING_MS = 30_000
/** The least timeout a request may have. */
const LEAST_TIMEOUT_MS = 1000
/** What one settle may carry at most. */
export const SETTLE_BYTES = 8_000_000
/** For a script that the store has forgotten, an answer that got lost, a lease to be extended. */
const SPARE_TRIPS = 5
/** Of these, what is kept even so: settling may take one more for what is handed back, or be tried again. */
const LEAST_SPARE_TRIPS = 2
/** Of spans, when a drain has ended: within what it kept to spare. */
export const EXPORTS_AT_END = 4

/** What is still to be paid for out of the subrequests that are left. */
export interface Obligations {
  /** Claimed and not called yet. */
  uncalled: number
  /** Being called. */
  running: number
  /** Round trips that settling the answers at hand takes. */
  unsettledTrips: number
}

/**
 * What one invocation may still spend: wall time and subrequests (Redis round trips and provider
 * calls). Nothing is started that could not be settled.
 */
export class Budget {
  #endsAt: number
  readonly #limit: number
  readonly #tripsPerResult: number
  #spent = 0

  constructor(
    startedAt: number,
    settings: Pick<Config, "subrequestLimit" | "maxResultBytes">,
    { wallMs, settleGroup }: Pick<Place, "wallMs" | "settleGroup"> = INVOCATION,
  ) {
    this.#endsAt = startedAt + wallMs
    this.#limit = settings.subrequestLimit
    const largestPerSettle = Math.floor(SETTLE_BYTES / settings.maxResultBytes)
    this.#tripsPerResult = 1 / Math.min(settleGroup, Math.max(1, largestPerSettle))
  }

  spend(subrequests: number): void {
    this.#spent += subrequests
  }

  /** Makes it end at that instant, or sooner, epoch ms. */
  endAt(instant: number): void {
    this.#endsAt = Math.min(this.#endsAt, instant)
  }

  /** A call with a longer timeout would not end in time, ms; null: none would. */
  longestTimeoutMs(now: number): number | null {
    const ms = Math.min(this.#endsAt - CLOSING_MS - now, WALL_MS)
    return ms < LEAST_TIMEOUT_MS ? null : ms
  }

  /** Subrequests that nothing already taken on will need. */
  spare({ uncalled, running, unsettledTrips }: Obligations): number {
    const settles = Math.ceil((uncalled + running) * this.#tripsPerResult) + unsettledTrips
    return this.#limit - this.#spent - SPARE_TRIPS - uncalled - settles
  }

  /** How many more requests can be claimed, called and settled. */
  claimable(obligations: Obligations): number {
    const tripsOfClaim = 2
    return Math.floor((this.spare(obligations) - tripsOfClaim) / (1 + this.#tripsPerResult))
  }

  /** Whether one more that is claimed already can be called and settled, with most of what is kept to spare. */
  affordsCall(obligations: Obligations): boolean {
    return this.spare(obligations) + SPARE_TRIPS >= 1 + this.#tripsPerResult + LEAST_SPARE_TRIPS
  }

  /** Nothing can be saved any more. */
  isOver(now: number): boolean {
    return now >= this.#endsAt || this.#spent >= this.#limit
  }
}
