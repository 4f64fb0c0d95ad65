import { newOperationId } from "../core/ids.ts"
import { EXPORTS_AT_END } from "./budget.ts"
import { Drain, type DrainDeps, type Order, type Outlook } from "./drain.ts"
import type { LaneAlarm } from "./lane-alarm.ts"
import { type Lanes, laneName } from "./lanes.ts"
import { carryOut } from "./run-drain.ts"
import { Tally } from "./tally.ts"

/** Then another lane takes over, while a request with the longest timeout, 10 min, still fits into this alarm's 15. */
const CLAIMING_MS = 270_000
/** A flood wakes the lanes one after another, and one that works already is not told too often. */
const PASS_ON_EVERY_MS = 1000

/**
 * One lane: a drain at a time, each under an owner of its own, and an alarm for the next. Leases of
 * a lane that was restarted just run out: its old isolate may still be calling under them.
 */
export class LaneDrain {
  readonly #deps: DrainDeps
  readonly #lanes: Lanes
  readonly #number: number
  readonly #alarm: LaneAlarm
  readonly #tally = new Tally()
  #drain: Drain | null = null
  #passedOnAt = 0
  #passingOn = Promise.resolve()

  constructor(deps: DrainDeps, lanes: Lanes, number: number, alarm: LaneAlarm) {
    this.#deps = deps
    this.#lanes = lanes
    this.#number = number
    this.#alarm = alarm
  }

  /** The alarm's work: drains until nothing can be claimed, then sleeps. Throws only when the alarm cannot be set. */
  async run(): Promise<void> {
    this.#alarm.fired()
    // The runtime starts no alarm beside another; were it to, the drain that is there must not be forgotten.
    if (this.#drain !== null) return this.#drain.wake(0)
    const { config, clock } = this.#deps
    const drain = new Drain(this.#deps, {
      owner: `${laneName(this.#number)}:${newOperationId()}`,
      concurrency: config.drainConcurrency,
      steer: (outlook) => this.#steer(outlook, clock() - drain.startedAt),
      tally: this.#tally,
    })
    this.#drain = drain
    try {
      await carryOut(drain)
    } finally {
      // From here on who wakes this lane sets its alarm; until here the drain was told, and knows when to go on.
      this.#drain = null
    }
    if (drain.nextAt !== null) await this.#sleep(drain.nextAt)
    await this.#passingOn
    // Behind all else that takes a subrequest. The object lives until it has ended; the next alarm does not wait for it.
    void this.#deps.tracing?.flush(EXPORTS_AT_END)
  }

  async wake(at: number): Promise<void> {
    if (this.#drain === null) await this.#alarm.arm(at)
    else this.#drain.wake(at)
  }

  abort(requestId: string, attempt: number): void {
    this.#drain?.hand.abort([{ requestId, attempt }])
  }

  watch(requestId: string, until: number): void {
    this.#drain?.watch(new Map([[requestId, until]]))
  }

  /** What is left now is this lane's. What comes later is the first one's: one that wakes is enough. */
  async #sleep(until: number): Promise<void> {
    if (this.#number === 0 || until <= this.#deps.clock()) await this.#alarm.arm(until)
    else await this.#lanes.wake(0, until)
  }

  #steer({ canClaim, wanted, room }: Outlook, ageMs: number): Order {
    const { count } = this.#lanes
    // A lane without others goes on: else nothing would be claimed while its last calls run.
    const isClosing = !canClaim || (count > 1 && ageMs > CLAIMING_MS)
    if (wanted > (isClosing ? 0 : room))
      this.#passOn(isClosing ? (this.#number + 1) % count : this.#number + 1)
    return isClosing ? "stop" : "go_on"
  }

  #passOn(lane: number): void {
    const now = this.#deps.clock()
    if (lane === this.#number || lane >= this.#lanes.count || now - this.#passedOnAt < PASS_ON_EVERY_MS)
      return
    this.#passedOnAt = now
    this.#passingOn = this.#lanes.wake(lane, now)
  }
}
