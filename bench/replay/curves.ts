import type { Priority } from "../../src/core/request.ts"
import { percentile } from "../median.ts"
import type { PlayedRequest } from "./play.ts"

type Point = [x: number, y: number]
const MINUTE_MS = 60_000

/** Finer than a plot shows. */
export function round(value: number): number {
  return Number(value.toPrecision(4))
}

/** From its arrival until its call reached the provider, s; requests that were not called are left out. */
export function waitsOf(requests: PlayedRequest[], priority?: Priority): number[] {
  return requests
    .filter((request) => priority === undefined || request.priority === priority)
    .flatMap(({ arrivalMs, startedMs }) => (startedMs === null ? [] : [(startedMs - arrivalMs) / 1000]))
}

/** The waits at these shares of them, as a table shows them; of none a dash. */
export function waitCells(waits: number[], shares: number[], digits: number): string[] {
  return shares.map((share) => (waits.length === 0 ? "–" : percentile(waits, share).toFixed(digits)))
}

export function lastEndOf(requests: PlayedRequest[]): number {
  return requests.reduce((last, { endedMs }) => Math.max(last, endedMs ?? 0), 0)
}

/** Calls in flight over time, min: the mean of each step. */
export function inFlightCurve(requests: PlayedRequest[], stepMs: number): Point[] {
  const endMs = lastEndOf(requests)
  const busyMs = new Array<number>(Math.ceil(endMs / stepMs)).fill(0)
  for (const { startedMs, endedMs } of requests) {
    if (startedMs === null) continue
    const [from, to] = [Math.max(0, startedMs), endedMs ?? endMs]
    for (let step = Math.floor(from / stepMs); step * stepMs < to; step++) {
      busyMs[step] = (busyMs[step] ?? 0) + Math.min(to, (step + 1) * stepMs) - Math.max(from, step * stepMs)
    }
  }
  return busyMs.map((ms, step) => [round(((step + 0.5) * stepMs) / MINUTE_MS), round(ms / stepMs)])
}

export function mostInFlight(requests: PlayedRequest[]): number {
  const events = requests.flatMap(({ startedMs, endedMs }): Point[] =>
    startedMs === null
      ? []
      : [
          [startedMs, 1],
          [endedMs ?? Number.POSITIVE_INFINITY, -1],
        ],
  )
  let [now, most] = [0, 0]
  for (const [, change] of events.toSorted(([a, x], [b, y]) => a - b || x - y)) {
    now += change
    most = Math.max(most, now)
  }
  return most
}

/** How many a minute over time, min: counted in each step. */
export function rateCurve(timesMs: (number | null)[], stepMs: number): Point[] {
  const counts: number[] = []
  for (const ms of timesMs) {
    if (ms === null) continue
    const step = Math.max(0, Math.floor(ms / stepMs))
    counts[step] = (counts[step] ?? 0) + 1
  }
  return Array.from(counts, (count = 0, step) => [
    round(((step + 0.5) * stepMs) / MINUTE_MS),
    round((count * MINUTE_MS) / stepMs),
  ])
}

/** How long the one has waited by then that waits longest, s, over time, min. */
export function oldestWaitCurve(requests: PlayedRequest[], stepMs: number, endMs: number): Point[] {
  const points: Point[] = []
  for (let ms = 0; ms <= endMs; ms += stepMs) {
    const oldest = requests.reduce((first, { arrivalMs, startedMs }) => {
      const isWaiting = arrivalMs <= ms && (startedMs ?? Number.POSITIVE_INFINITY) > ms
      return isWaiting ? Math.min(first, arrivalMs) : first
    }, ms)
    points.push([round(ms / MINUTE_MS), round((ms - oldest) / 1000)])
  }
  return points
}
