/** What this tab has spent of the store's commands, as far as a page can know. */
export interface Meter {
  /** `isIssued`: the key is one that the Worker looks up, at most once in 20 s where it runs. */
  note(commands: number, isIssued: boolean): void
  /** Since the page was opened. */
  readonly total: number
  /** In the last 60 s. */
  lastMinute(): number
}

const MINUTE_MS = 60_000
const KEY_CACHE_MS = 20_000

export function createMeter(clock: () => number): Meter {
  let total = 0
  let keyReadAt = Number.NEGATIVE_INFINITY
  let spent: { at: number; commands: number }[] = []
  return {
    note(commands, isIssued) {
      const at = clock()
      const looksUp = isIssued && at - keyReadAt >= KEY_CACHE_MS
      if (looksUp) keyReadAt = at
      const all = commands + (looksUp ? 1 : 0)
      total += all
      spent = [...spent.filter((each) => at - each.at < MINUTE_MS), { at, commands: all }]
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
