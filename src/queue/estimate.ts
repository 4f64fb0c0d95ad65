import type { RequestStatus } from "../core/outcome.ts"

/** As in `lua/include/starts.lua`. */
const SLOT_MS = 30_000
const SLOTS = 10
/** How many standard deviations above the middle nine of ten values lie. */
const SIGMAS_OF_P90 = 1.28

/**
 * When the request at a position of its line can be expected to start, by the rate at which the line started requests in
 * the last five minutes while it had any. Starts are taken to be independent of each other, which bursts are not; so this
 * is an estimate, no promise. null: not in line, or nothing has started lately.
 */
export function estimateStart(
  text: string,
  position: number | null,
  now: number,
): RequestStatus["estimatedStartAt"] {
  const { count, busyMs } = recentStarts(text, now)
  if (position === null || count === 0) return null
  const msPerStart = Math.max(busyMs, 1) / count
  return {
    p50: Math.ceil(now + position * msPerStart),
    p90: Math.ceil(now + (position + SIGMAS_OF_P90 * Math.sqrt(position)) * msPerStart),
  }
}

/** How many requests a line started in the last five minutes, and for how long it had any. */
export function recentStarts(text: string, now: number): { count: number; busyMs: number } {
  const [, , ...slots] = text.split(" ").map(Number)
  const recent = { count: 0, busyMs: 0 }
  for (let i = 0; i + 2 < slots.length; i += 3) {
    const [slot = 0, count = 0, busyMs = 0] = slots.slice(i, i + 3)
    if (slot <= Math.floor(now / SLOT_MS) - SLOTS) continue
    recent.count += count
    recent.busyMs += busyMs
  }
  return recent
}
