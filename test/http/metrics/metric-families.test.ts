import fc from "fast-check"
import { expect, it } from "vitest"
import type { Pulse, PulseProvider } from "../../../src/core/pulse.ts"
import { familiesOf } from "../../../src/http/metric-families.ts"
import { writeMetrics } from "../../../src/http/open-metrics.ts"
import type { DurationBucket, QueueFigures } from "../../../src/queue/figures-contract.ts"
import { parseOpenMetrics } from "./parse-open-metrics.ts"

const NONE = { p50: null, p95: null, p99: null }
const AT = 1_800_000_000_000

const pulse: Pulse = {
  ...{ at: AT, troubles: [], counts: { scheduled: 0, pending: 0, processing: 0 }, pendingByLine: {} },
  ...{ backlogSince: null, stalledLines: [], lastClaimAt: null, paused: false },
  throughput: { enqueuedLastMinute: 0, completedLastMinute: 0, failedLastMinute: 0, retriedLastMinute: 0 },
  ...{ waitMs: NONE, providerMs: {}, attempts: {}, providers: {}, lanes: [] },
  commands: { today: 0, yesterday: 0, lastMinute: 0, budget: null },
}
const figures: QueueFigures = {
  ...{ enqueued: 0, completed: 0, failed: 0, retried: 0, cancelled: 0, commands: 0 },
  ...{ attempts: {}, waits: [], providerTimes: {} },
  pulse,
}

const read = (changes: { pulse?: Partial<Pulse>; figures?: Partial<QueueFigures> } = {}) =>
  parseOpenMetrics(
    writeMetrics(
      familiesOf({ ...figures, ...changes.figures, pulse: { ...pulse, ...changes.pulse } }, "1.2.3"),
      "",
    ).text,
  )
const valuesOf = (families: ReturnType<typeof read>, name: string) =>
  families.get(name)?.samples.map(({ labels, value }) => [...Object.values(labels), value])

/** As `lua/include/figures.lua` counts. */
const bucketOf = (ms: number) => Math.floor(Math.log(ms + 1) / Math.log(1.1))

function durations(times: number[]): DurationBucket[] {
  const buckets = [...new Set(times.map(bucketOf))].sort((a, b) => a - b)
  return buckets.map((bucket) => ({
    belowMs: 1.1 ** (bucket + 1) - 1,
    count: times.filter((ms) => bucketOf(ms) === bucket).length,
  }))
}

it("an empty queue has every metric that needs no label of its own", () => {
  const families = read()
  expect(valuesOf(families, "aiq_requests_enqueued")).toEqual([[0]])
  expect(valuesOf(families, "aiq_requests_finished")).toEqual([
    ["completed", 0],
    ["failed", 0],
    ["cancelled", 0],
  ])
  expect(valuesOf(families, "aiq_troubles")).toEqual([
    ["critical", 0],
    ["warning", 0],
    ["info", 0],
  ])
  expect(valuesOf(families, "aiq_wait_seconds")?.at(-1)).toEqual(["+Inf", 0])
  expect(valuesOf(families, "aiq_backlog_age_seconds")).toEqual([[0]])
  expect(valuesOf(families, "aiq_redis_commands_budget")).toEqual([])
  expect(valuesOf(families, "aiq_build")).toEqual([["1.2.3", 1]])
})

it("ages and waits are in seconds, and never below 0 where clocks differ", () => {
  const provider: PulseProvider = {
    ...{ concurrency: null, rpm: null, tpm: null, models: {} },
    ...{ breaker: "closed", cause: null, troubledSince: null, blockedUntil: null, paused: false },
  }
  const lane = { completed: 0, failed: 0, retried: 0, errors: 0, lastError: null }
  const families = read({
    pulse: {
      backlogSince: AT - 1500,
      lastClaimAt: AT - 250,
      providers: {
        a: provider,
        b: { ...provider, breaker: "open", cause: "trouble", blockedUntil: AT + 2500 },
        c: { ...provider, breaker: "half_open", cause: "trouble", blockedUntil: AT - 1, paused: true },
      },
      lanes: [{ name: "lane-0", lastClaimAt: AT - 250, ...lane }],
    },
  })
  expect(valuesOf(families, "aiq_backlog_age_seconds")).toEqual([[1.5]])
  expect(valuesOf(read({ pulse: { backlogSince: AT + 1 } }), "aiq_backlog_age_seconds")).toEqual([[0]])
  expect(valuesOf(families, "aiq_provider_blocked_seconds")).toEqual([
    ["a", 0],
    ["b", 2.5],
    ["c", 0],
  ])
  expect(valuesOf(families, "aiq_provider_breaker_open")).toEqual([
    ["a", 0],
    ["b", 1],
    ["c", 1],
  ])
  expect(valuesOf(families, "aiq_provider_paused")).toEqual([
    ["a", 0],
    ["b", 0],
    ["c", 1],
  ])
  expect(valuesOf(families, "aiq_lane_last_claim_timestamp_seconds")).toEqual([["lane-0", 1_799_999_999.75]])
  expect(valuesOf(families, "aiq_last_claim_timestamp_seconds")).toEqual([[1_799_999_999.75]])
  // A rate needs to have seen a 0.
  expect(valuesOf(families, "aiq_attempts")).toEqual(["a", "b", "c"].map((name) => [name, "completed", 0]))
})

it("a histogram's bounds are exact: each bucket holds what is at most as long", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(700_000), { maxLength: 50 }), (times) => {
      const waits = durations(times)
      const samples =
        read({ figures: { waits, providerTimes: { a: waits } } }).get("aiq_wait_seconds")?.samples ?? []
      expect(samples.length).toBeGreaterThan(10)
      for (const { labels, value } of samples) {
        const bound = labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le)
        expect([labels.le, value]).toEqual([labels.le, times.filter((ms) => ms / 1000 <= bound).length])
      }
    }),
  )
})

it("its bounds lie at or just above round ones, and reach from 1 ms to 10 min", () => {
  const bounds =
    read()
      .get("aiq_wait_seconds")
      ?.samples.map(({ labels }) => Number(labels.le)) ?? []
  const round = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
  expect(bounds).toHaveLength(round.length + 1)
  for (const [i, bound] of round.entries()) {
    expect(bounds[i]).toBeGreaterThanOrEqual(bound)
    expect(bounds[i]).toBeLessThan(bound * 1.1)
  }
})
