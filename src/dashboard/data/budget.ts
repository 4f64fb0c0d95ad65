import type { Pulse } from "../../client/client.ts"

/** What watching may spend of the store's commands in any minute, and what it keeps back of that. */
export const WATCHING_LIMIT = 30
/** Five pulses of two. */
const PULSES = 10
/** Of an issued key, which each isolate looks up every 20 s: here that of two of them at most. */
const KEY_LOOKUPS = 5

const MINUTE_MS = 60_000

/** Commands that `GET /v1/stats` costs: it reads the oldest request of each priority that waits, in each line. */
export function statsPrice({ pendingByLine }: Pulse): number {
  const waiting = Object.values(pendingByLine).map(
    (levels) => Object.values(levels).filter((count) => count > 0).length,
  )
  return waiting.reduce((sum, levels) => sum + 1 + levels, 7)
}

/** What is left for all else that is read again by itself. */
export const EXTRAS = WATCHING_LIMIT - PULSES - KEY_LOOKUPS

/** How often watching can afford it, ms; null: never by itself, for once alone is more than a minute leaves. */
export function statsEvery(price: number): number | null {
  return price <= EXTRAS ? MINUTE_MS : null
}
