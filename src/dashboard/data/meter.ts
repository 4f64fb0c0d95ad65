import { EXTRAS } from "./budget.ts"

/** What this tab has spent of the store's commands, as far as a page can know. */
export interface Meter {
  /** `isIssued`: the key is one that the Worker looks up, at most once in 20 s where it runs. */
  note(spent: Spent, isIssued: boolean): void
  /** ms until something of that price may be read again so that watching stays below its limit; of 0, the pulse: none. */
  waitFor(commands: number): number
  /** Since the page was opened. */
  readonly total: number
  /** In the last 60 s. */
  lastMinute(): number
}

export interface Spent {
  commands: number
  isPulse: boolean
}

const MINUTE_MS = 60_000
const KEY_CACHE_MS = 20_000

export function createMeter(clock: () => number): Meter {
  let total = 0
  let keyReadAt = Number.NEGATIVE_INFINITY
  let spent: { at: number; commands: number; extra: number }[] = []
  return {
    note({ commands, isPulse }, isIssued) {
      const at = clock()
      const looksUp = isIssued && at - keyReadAt >= KEY_CACHE_MS
      if (looksUp) keyReadAt = at
      const all = commands + (looksUp ? 1 : 0)
      total += all
      spent = [
        ...spent.filter((each) => at - each.at < MINUTE_MS),
        { at, commands: all, extra: isPulse ? 0 : commands },
      ]
    },
    waitFor(commands) {
      // The pulse has what is kept back for it.
      if (commands === 0) return 0
      const now = clock()
      let extra = commands
      // The newest first: what is older than the one that does not fit any more has to be out of the minute.
      for (const each of spent.toReversed()) {
        extra += each.extra
        if (extra > EXTRAS && each.extra > 0) return Math.max(0, each.at + MINUTE_MS - now)
      }
      return 0
    },
    get total() {
      return total
    },
    lastMinute: () => {
      const now = clock()
      return spent.reduce((sum, { at, commands }) => (now - at < MINUTE_MS ? sum + commands : sum), 0)
    },
  }
}
