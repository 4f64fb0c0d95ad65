import { PRIORITIES, type Priority } from "../core/request.ts"

/** The published weights, in points. A request gains one point per second of waiting. */
const PRIORITY_WEIGHTS: Record<Priority, number> = {
  critical: 1_000_000,
  high: 100_000,
  normal: 10_000,
  low: 1000,
}

/** A weight is a head start: since all pending requests age alike, the order among them never changes. */
const HEAD_START_MS_PER_POINT = 1000

/** Below the smallest gap between levels, so that a retried request never falls behind the next level. */
const MAX_PENALTY_MS = 8_999_999

/** 1 (critical) to 4 (low): how the store names a priority. */
export function levelOf(priority: Priority): number {
  return PRIORITIES.indexOf(priority) + 1
}

export function priorityOf(level: number): Priority {
  return PRIORITIES[level - 1] ?? "low"
}

/**
 * The place of a request in its line: lower goes first. The scripts compute the same
 * (`lua/include/lines.lua`); this is the formula to read and to test them against.
 * `effectiveAt`: since when it ages, epoch ms.
 */
export function scoreOf(
  priority: Priority,
  effectiveAt: number,
  retries: number,
  retryPenaltyMs: number,
): number {
  const headStartMs = PRIORITY_WEIGHTS[priority] * HEAD_START_MS_PER_POINT
  return effectiveAt - headStartMs + Math.min(retries * retryPenaltyMs, MAX_PENALTY_MS)
}
