import type { Config } from "../core/config.ts"
import { createTimers } from "../core/timers.ts"
import { EXPORTS_AT_END } from "./budget.ts"
import { type ChoreDeps, ChoreRun } from "./chores.ts"
import type { LaneAlarm } from "./lane-alarm.ts"

const FOR_MS = 600_000
const CONCURRENCY = 4

/** The Durable Object that sees to chores, in an invocation of its own: they take no connection from a drain. */
export class ChoreLane {
  readonly #deps: ChoreDeps
  readonly #config: Pick<Config, "subrequestLimit">
  readonly #alarm: LaneAlarm
  #run: ChoreRun | null = null

  constructor(deps: ChoreDeps, config: Pick<Config, "subrequestLimit">, alarm: LaneAlarm) {
    this.#deps = deps
    this.#config = config
    this.#alarm = alarm
  }

  /** The alarm's work. Throws only when the alarm cannot be set. */
  async run(): Promise<void> {
    this.#alarm.fired()
    const limits = { concurrency: CONCURRENCY, subrequests: this.#config.subrequestLimit, forMs: FOR_MS }
    this.#run = new ChoreRun(this.#deps, limits, createTimers())
    let nextAt: number | null
    try {
      nextAt = await this.#run.run()
    } finally {
      this.#run = null
    }
    // The object lives until it has ended; the next alarm does not wait for it.
    void this.#deps.tracing?.flush(EXPORTS_AT_END)
    if (nextAt !== null) await this.#alarm.arm(nextAt)
  }

  /** There may be something to do at that instant. */
  async wake(at: number): Promise<void> {
    this.#run?.bell.ring()
    await this.#alarm.arm(at)
  }
}
