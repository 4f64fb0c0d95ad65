import type { History, HistoryPoint, Percentiles } from "../../../client/client.ts"
import type { Series } from "../../parts/series.ts"
import { PRIORITIES } from "../../priorities.ts"

const MINUTE_MS = 60_000

/** Every instant of the span, with its point where something happened. */
export interface Columns {
  times: number[]
  points: (HistoryPoint | null)[]
  /** How many each counts: the last one may still be growing. */
  minutes: number[]
}

/** A minute that is not over yet is left out: it would look as if all came to a stop. */
export function columnsOf({ from, to, stepMs, points }: History, now: number): Columns {
  const byTime = new Map(points.map((point) => [point.at, point]))
  const count = Math.max(0, Math.round((to - from) / stepMs))
  const times = Array.from({ length: count }, (_, i) => from + i * stepMs).filter(
    (at) => at + MINUTE_MS <= now,
  )
  return {
    times,
    points: times.map((at) => byTime.get(at) ?? null),
    minutes: times.map((at) => Math.min(stepMs, now - at) / MINUTE_MS),
  }
}

const COUNTS = ["enqueued", "completed", "failed", "retried", "cancelled"] as const

/** A minute. */
export function throughputOf({ points, minutes }: Columns): Series[] {
  return COUNTS.map((label) => ({
    label,
    values: points.map((point, i) => (point?.[label] ?? 0) / (minutes[i] ?? 1)),
  }))
}

/** What waited at the end of each span. Where nothing happened, what waited before still does. */
export function pendingOf({ points }: Columns, by: "line" | "priority"): Series[] {
  let last: HistoryPoint["pending"] | null = null
  const known = points.map((point) => {
    last = point?.pending ?? last
    return last
  })
  if (by === "priority") {
    return PRIORITIES.map((priority) => ({
      label: priority,
      values: known.map((lines) => lines && sum(Object.values(lines).map((levels) => levels[priority]))),
    }))
  }
  const names = [...new Set(known.flatMap((lines) => Object.keys(lines ?? {})))].sort()
  return names.map((label) => ({
    label,
    values: known.map((lines) => lines && sum(Object.values(lines[label] ?? {}))),
  }))
}

export type Percentile = keyof Percentiles

/** ms; a gap where nothing ran. */
export function waitsOf({ points }: Columns): Series[] {
  return (["p50", "p95", "p99"] as const).map((label) => ({
    label,
    values: points.map((point) => point?.waitMs[label] ?? null),
  }))
}

export function latenciesOf({ points }: Columns, percentile: Percentile): Series[] {
  const names = [...new Set(points.flatMap((point) => Object.keys(point?.providerMs ?? {})))].sort()
  return names.map((label) => ({
    label,
    values: points.map((point) => point?.providerMs[label]?.[percentile] ?? null),
  }))
}

/** Of what was attempted and did not complete, by what it came to. */
export function errorsOf({ points, minutes }: Columns): Series[] {
  const rows = points.map((point) => {
    const counts: Record<string, number> = {}
    for (const [provider, codes] of Object.entries(point?.attempts ?? {})) {
      for (const [code, count] of Object.entries(codes)) {
        if (code !== "completed" && code !== "cancelled") counts[`${provider}: ${code}`] = count
      }
    }
    return counts
  })
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].sort()
  return names.map((label) => ({
    label,
    values: rows.map((row, i) => (row[label] ?? 0) / (minutes[i] ?? 1)),
  }))
}

/** A minute. */
export function commandsOf({ points, minutes }: Columns): Series[] {
  return [{ label: "commands", values: points.map((point, i) => (point?.commands ?? 0) / (minutes[i] ?? 1)) }]
}

const sum = (counts: number[]) => counts.reduce((all, count) => all + count, 0)
