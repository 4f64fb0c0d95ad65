import type { Random } from "../core/clock.ts"

const BASE_MS = 200
const CAP_MS = 5000

/** How long to leave a store alone that failed that often in a row, ms; it has been tried several times by then. */
export function backOff(failures: number, random: Random): number {
  const longest = Math.min(CAP_MS, BASE_MS * 2 ** failures)
  return Math.ceil(longest * (0.5 + random() / 2))
}
