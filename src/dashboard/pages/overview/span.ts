import type { History, HistoryPoint, Pulse } from "../../../client/client.ts"

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

export const RANGES = ["1 h", "24 h", "7 d", "30 d"] as const
export type Range = (typeof RANGES)[number]

interface Span {
  lengthMs: number
  /** Of a point. Days are kept by the hour, so longer spans have steps of whole hours. */
  stepMs: number
  /** How often it is read anew; in between, what the pulse tells is added. */
  everyMs: number
}

export const SPANS: Record<Range, Span> = {
  "1 h": { lengthMs: HOUR_MS, stepMs: MINUTE_MS, everyMs: 5 * MINUTE_MS },
  "24 h": { lengthMs: 24 * HOUR_MS, stepMs: 15 * MINUTE_MS, everyMs: 15 * MINUTE_MS },
  "7 d": { lengthMs: 7 * 24 * HOUR_MS, stepMs: HOUR_MS, everyMs: HOUR_MS },
  "30 d": { lengthMs: 30 * 24 * HOUR_MS, stepMs: 6 * HOUR_MS, everyMs: 6 * HOUR_MS },
}

/** As it stands in the address, or the first. */
export function readRange(text: string | null): Range {
  return RANGES.find((range) => range.replace(" ", "") === text) ?? "1 h"
}

/** Without the minute that was not over when it was read: the pulse tells of it when it is. */
export function withoutGrowing(history: History, readAt: number): History {
  const { stepMs, points } = history
  return stepMs === MINUTE_MS
    ? { ...history, points: points.filter(({ at }) => at + stepMs <= readAt) }
    : history
}

/** The history up to now: a minute that is over has become a point, of what the pulse knew then. */
export function withPulse(history: History, pulse: Pulse): History {
  const { stepMs, points } = history
  const at = Math.floor(pulse.at / stepMs) * stepMs - stepMs
  const last = points.at(-1)
  if (stepMs !== MINUTE_MS || at < history.to - stepMs || (last !== undefined && last.at >= at))
    return history
  return { ...history, to: at + stepMs, points: [...points, pointOf(pulse, at)] }
}

function pointOf(pulse: Pulse, at: number): HistoryPoint {
  const { enqueuedLastMinute, completedLastMinute, failedLastMinute, retriedLastMinute } = pulse.throughput
  return {
    at,
    ...{ enqueued: enqueuedLastMinute, completed: completedLastMinute },
    ...{ failed: failedLastMinute, retried: retriedLastMinute, cancelled: 0 },
    ...{ waitMs: pulse.waitMs, providerMs: pulse.providerMs, attempts: {} },
    ...{ pending: pulse.pendingByLine, commands: pulse.commands.lastMinute },
  }
}
