import type { Config } from "../core/config.ts"

/** What Cloudflare gives one invocation of a cron tick or an alarm. */
const WALL_MS = 15 * 60_000
/** Kept free at the end of it: for what outlives its timeout, for settling, and for settling again. */
const CLOSING_MS = 30_000
/** The least timeout a request may have. */
const LEAST_TIMEOUT_MS = 1000
/** What one settle may carry at most. */
const SETTLE_BYTES = 8_000_000
export const SETTLE_GROUP = 20
/** For a script that the store has forgotten, an answer that got lost, a lease to be extended. */
const SPARE_TRIPS = 5

/** What is still to be paid for out of the subrequests that are left. */
export interface Obligations {
  /** Claimed and not called yet. */
  uncalled: number
  /** Being called. */
  running: number
  /** Answers that wait to be settled, and their size. */
  unsettled: number
  unsettledBytes: number
}

/**
 * What one invocation may still spend: wall time and subrequests (Redis round trips and provider
 * calls). Nothing is started that could not be settled.
 */
export class Budget {
  readonly #endsAt: number
  readonly #limit: number
  readonly #tripsPerResult: number
  #spent = 0

  constructor(startedAt: number, settings: Pick<Config, "subrequestLimit" | "maxResultBytes">) {
    this.#endsAt = startedAt + WALL_MS
    this.#limit = settings.subrequestLimit
    this.#tripsPerResult = Math.max(1 / SETTLE_GROUP, settings.maxResultBytes / SETTLE_BYTES)
  }

  spend(subrequests: number): void {
    this.#spent += subrequests
  }

  /** A call with a longer timeout would not end in time, ms; null: none would. */
  longestTimeoutMs(now: number): number | null {
    const ms = this.#endsAt - CLOSING_MS - now
    return ms < LEAST_TIMEOUT_MS ? null : ms
  }

  /** Subrequests that nothing already taken on will need. */
  spare({ uncalled, running, unsettled, unsettledBytes }: Obligations): number {
    const results = (uncalled + running) * this.#tripsPerResult
    const settles = Math.max(unsettled / SETTLE_GROUP, unsettledBytes / SETTLE_BYTES)
    return this.#limit - this.#spent - SPARE_TRIPS - uncalled - Math.ceil(results + settles)
  }

  /** How many more requests can be claimed, called and settled. */
  claimable(obligations: Obligations): number {
    const tripsOfClaim = 2
    return Math.floor((this.spare(obligations) - tripsOfClaim) / (1 + this.#tripsPerResult))
  }

  /** Nothing can be saved any more. */
  isOver(now: number): boolean {
    return now >= this.#endsAt || this.#spent >= this.#limit
  }
}
