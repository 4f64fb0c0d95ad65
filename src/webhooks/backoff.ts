import type { Random } from "../core/clock.ts"

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
/** Before the second try, the third, …; the last one again and again. */
const DELAYS_MS = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
]
/** So much of a delay is left to chance, so that what failed together does not come back together. */
const JITTER = 0.2
/** A receiver may ask for more patience than ours, but not for ever. */
const MAX_ASKED_MS = 2 * HOUR_MS

/** How long a delivery is tried, from its first try or from its redelivery. */
export const PATIENCE_MS = 24 * HOUR_MS

/**
 * When a delivery is tried again after `tries` that failed; null: it is given up. The last try is at `until`.
 * `askedMs`: the wait that the receiver asked for.
 */
export function nextTryAt(
  tries: number,
  { now, until, random, askedMs = 0 }: { now: number; until: number; random: Random; askedMs?: number },
): number | null {
  if (now >= until) return null
  const delay = DELAYS_MS[Math.min(tries, DELAYS_MS.length) - 1] ?? 0
  const wait = Math.max(delay * (1 + JITTER * (2 * random() - 1)), Math.min(askedMs, MAX_ASKED_MS))
  return Math.min(Math.round(now + wait), until)
}
