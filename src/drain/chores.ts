import type { Clock } from "../core/clock.ts"
import { kindOf } from "../core/errors.ts"
import type { Log } from "../core/log.ts"
import { type SetTimer, setPlainTimer } from "../core/timers.ts"
import type { Tracing } from "../core/tracing.ts"
import type { Chore, ChoreStore } from "../queue/chores.ts"
import { Bell } from "./bell.ts"

/** What a handler works under. */
export interface ChoreContext {
  /** Makes the lease last for another minute; false: it is lost, so stop. One round trip. */
  renew(): Promise<boolean>
  /** Handlers tell of the subrequests that they make. */
  spend(subrequests: number): void
  /** Subrequests that are left for this run. */
  readonly spare: number
  /** Then the run should be over, epoch ms. */
  readonly endsAt: number
}

/**
 * Sees to one chore; `id` is the name behind its kind. Resolves to when it is due again, epoch ms, or null when it is
 * done. Safe to repeat: the last run may have ended anywhere. What it throws is tried again later.
 */
export type ChoreHandler = (id: string, context: ChoreContext) => Promise<number | null>

export interface ChoreDeps {
  chores: ChoreStore
  /** By kind: the name up to its first `|`. */
  handlers: Map<string, ChoreHandler>
  clock: Clock
  log: Log
  /** What chores tell of requests is sent when their lane has done with them. */
  tracing?: Tracing | null
}

export interface ChoreLimits {
  /** Chores at the same time. */
  concurrency: number
  subrequests: number
  /** For how long new ones are begun, ms. */
  forMs: number
}

const LEASE_MS = 60_000
const RETRY_MS = 30_000
const REST_MS = 5000
/** Taking one, what it does at the least, and settling it. */
const TRIPS_PER_CHORE = 3

/** One run over the chores that are due; a slow one holds up no other. */
export class ChoreRun {
  /** Rung when there may be more to do. */
  readonly bell: Bell
  readonly #deps: ChoreDeps
  readonly #limits: ChoreLimits
  readonly #endsAt: number
  #spare: number
  #running = 0

  constructor(deps: ChoreDeps, limits: ChoreLimits, setTimer: SetTimer = setPlainTimer) {
    this.bell = new Bell(setTimer)
    this.#deps = deps
    this.#limits = limits
    this.#endsAt = deps.clock() + limits.forMs
    this.#spare = limits.subrequests
  }

  /** Subrequests that it has made. */
  get used(): number {
    return this.#limits.subrequests - this.#spare
  }

  /** Until nothing is due, or the limits are reached. Resolves to when there is something to do next; null: nothing is known. Never rejects. */
  async run(): Promise<number | null> {
    const { clock, chores, log } = this.#deps
    let nextAt: number | null = null
    for (;;) {
      const mayTake = this.#spare >= TRIPS_PER_CHORE && clock() < this.#endsAt
      const room = Math.min(
        this.#limits.concurrency - this.#running,
        Math.floor(this.#spare / TRIPS_PER_CHORE),
      )
      if (!mayTake) nextAt = clock()
      if (mayTake && room > 0) {
        try {
          this.#spare -= 1
          const taken = await chores.take(room, LEASE_MS)
          nextAt = taken.nextAt
          for (const chore of taken.chores) void this.#see(chore)
        } catch (error) {
          log.warn("chores_failed", { kind: kindOf(error) })
          nextAt = clock() + RETRY_MS
        }
      }
      if (this.#running === 0) return nextAt
      await this.bell.rest(REST_MS)
    }
  }

  async #see(chore: Chore): Promise<void> {
    this.#running += 1
    const { chores, clock, handlers, log } = this.#deps
    const kind = chore.name.slice(0, chore.name.indexOf("|"))
    try {
      // A later version's is left to whoever knows it.
      const at =
        (await handlers.get(kind)?.(chore.name.slice(kind.length + 1), this.#contextOf(chore))) ?? null
      this.#spare -= 1
      await chores.settle(chore, handlers.has(kind) ? at : clock() + RETRY_MS)
    } catch (error) {
      // Its lease runs out, and it is handed out again.
      log.error("chore_failed", { chore: kind, kind: kindOf(error) })
    } finally {
      this.#running -= 1
      this.bell.ring()
    }
  }

  #contextOf(chore: Chore): ChoreContext {
    const { chores, clock } = this.#deps
    const spare = () => this.#spare
    return {
      renew: async () => {
        const leasedUntil = clock() + LEASE_MS
        this.#spare -= 1
        if (!(await chores.settle(chore, leasedUntil))) return false
        chore.leasedUntil = leasedUntil
        return true
      },
      spend: (subrequests) => {
        this.#spare -= subrequests
      },
      get spare() {
        return spare()
      },
      endsAt: this.#endsAt,
    }
  }
}
