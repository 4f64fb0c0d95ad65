import { expect, it } from "vitest"
import type { History, HistoryPoint, Pulse } from "../../src/client/client.ts"
import { columnsOf, pendingOf, throughputOf } from "../../src/dashboard/pages/overview/columns.ts"
import { withoutGrowing, withPulse } from "../../src/dashboard/pages/overview/span.ts"

const MINUTE = 60_000
const NONE = { p50: null, p95: null, p99: null }
const levels = (normal: number) => ({ critical: 0, high: 0, normal, low: 0 })

const point = (at: number, completed: number): HistoryPoint => ({
  ...{ at, completed, enqueued: 0, failed: 0, retried: 0, cancelled: 0, commands: 0 },
  ...{ waitMs: NONE, providerMs: {}, attempts: {}, pending: { openai: levels(completed) } },
})
const pulse = (at: number, completedLastMinute: number) =>
  ({
    ...{
      at,
      waitMs: NONE,
      providerMs: {},
      pendingByLine: { openai: levels(7) },
      commands: { lastMinute: 0 },
    },
    throughput: { enqueuedLastMinute: 0, completedLastMinute, failedLastMinute: 0, retriedLastMinute: 0 },
  }) as unknown as Pulse

/** Read in the middle of the minute 4, which has counted one so far. */
const history: History = {
  ...{ from: 0, to: 5 * MINUTE, stepMs: MINUTE },
  points: [point(MINUTE, 10), point(4 * MINUTE, 1)],
}
const READ_AT = 4.5 * MINUTE
const completed = (of: History, now: number) =>
  throughputOf(columnsOf(of, now)).find(({ label }) => label === "completed")?.values

it("a minute that is not over is not shown, and one in which nothing happened is 0", () => {
  const settled = withoutGrowing(history, READ_AT)
  expect(completed(settled, READ_AT)).toEqual([0, 10, 0, 0])
})

it("a minute that has come to its end is added once, from the pulse", () => {
  const settled = withoutGrowing(history, READ_AT)
  const grown = withPulse(settled, pulse(5.1 * MINUTE, 30))
  expect(completed(grown, 5.1 * MINUTE)).toEqual([0, 10, 0, 0, 30])
  expect(withPulse(grown, pulse(5.3 * MINUTE, 99))).toBe(grown)
  const later = withPulse(grown, pulse(7.2 * MINUTE, 3))
  expect(completed(later, 7.2 * MINUTE)).toEqual([0, 10, 0, 0, 30, 0, 3])
})

it("rates of longer spans are per minute, of the last one by what has passed of it", () => {
  const hours = {
    from: 0,
    to: 120 * MINUTE,
    stepMs: 60 * MINUTE,
    points: [point(0, 60), point(60 * MINUTE, 60)],
  }
  expect(completed(hours, 90 * MINUTE)).toEqual([1, 2])
  expect(withPulse(hours, pulse(200 * MINUTE, 5))).toBe(hours)
})

it("what waits goes on waiting where nothing happened, and is unknown before the first point", () => {
  const columns = columnsOf(history, READ_AT)
  expect(pendingOf(columns, "line")).toEqual([{ label: "openai", values: [null, 10, 10, 10] }])
  expect(pendingOf(columns, "priority").find(({ label }) => label === "normal")?.values).toEqual([
    ...[null, 10, 10, 10],
  ])
})
