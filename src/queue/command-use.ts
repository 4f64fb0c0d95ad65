import type { Clock } from "../core/clock.ts"
import type { Log } from "../core/log.ts"
import type { CommandUse } from "../core/pulse.ts"
import { dayOf } from "./keys.ts"
import { addCounters, MINUTE_MS, readRing } from "./minutes.ts"

/** Fields of `meta` that `readCommandUse` takes beside those of the minutes. */
export const COMMAND_FIELDS = ["spent", "untold"]

/** From this share of the budget on it is spared. */
const SPARING_SHARE = 0.8

/** `meta`: its fields by name, "" where there is none. `budget`: commands per UTC day; null: none. */
export function readCommandUse(meta: Record<string, string>, budget: number | null, now: number): CommandUse {
  const [day = 0, count = 0, before = 0] = (meta.spent ?? "").split(" ").map(Number)
  // Around midnight the clock of whoever wrote it may have been ahead.
  const age = Math.max(dayOf(now) - day, 0)
  return {
    today: (age === 0 ? count : 0) + Number(meta.untold || 0),
    yesterday: age === 0 ? before : age === 1 ? count : 0,
    lastMinute: countOfMinute(meta, Math.floor(now / MINUTE_MS) - 1),
    budget,
  }
}

/** Of a minute that is over; scripts that count nothing else are not in it. */
function countOfMinute(meta: Record<string, string>, minute: number): number {
  const text = readRing(meta).find((slot) => slot.minute === minute)?.counters ?? ""
  return addCounters(new Map(), text).get("$") ?? 0
}

/** Knows how much of the day's budget is used, from what scripts tell along with their replies. */
export class CommandBudget {
  readonly #budget: number | null
  readonly #clock: Clock
  readonly #log: Log | undefined
  #spent = ""
  /** Days on which it was said. */
  readonly #saidOn = { warn: -1, error: -1 }

  constructor(budget: number | null, clock: Clock, log: Log | undefined) {
    this.#budget = budget
    this.#clock = clock
    this.#log = log
  }

  /** `spent`: the field of `meta`. Says once a day that little is left, and once that nothing is. */
  learn(spent: string): void {
    if (this.#budget === null || spent === "") return
    this.#spent = spent
    const { today } = this.#use()
    if (today >= this.#budget) this.#say("error", today)
    else if (this.isSparing) this.#say("warn", today)
  }

  /** What nobody waits for should cost less for the rest of the day. */
  get isSparing(): boolean {
    return this.#budget !== null && this.#use().today >= SPARING_SHARE * this.#budget
  }

  #use(): CommandUse {
    return readCommandUse({ spent: this.#spent }, this.#budget, this.#clock())
  }

  #say(level: "warn" | "error", today: number): void {
    const day = dayOf(this.#clock())
    if (this.#saidOn[level] === day) return
    this.#saidOn[level] = day
    this.#log?.[level]("command_budget", { today, budget: this.#budget })
  }
}
