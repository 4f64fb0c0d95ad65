import { expect, test } from "vitest"
import {
  inFlightCurve,
  mostInFlight,
  oldestWaitCurve,
  rateCurve,
  round,
  waitsOf,
} from "../../bench/replay/curves.ts"
import type { PlayedRequest } from "../../bench/replay/play.ts"
import { drawRequests, PRIORITY_SHARES, planTrace } from "../../bench/replay/workload.ts"

function played(arrivalMs: number, startedMs: number | null, endedMs: number | null): PlayedRequest {
  const [plan] = drawRequests([{ arrivalMs, contextTokens: 1, generatedTokens: 1, priority: "low" }])
  if (plan === undefined) throw new Error("nothing was drawn")
  return { ...plan, startedMs, endedMs }
}

const REQUESTS = [played(0, 1000, 5000), played(0, 4000, 12_000), played(3000, null, null)]

test("calls in flight are the means of each step, and the most at one time", () => {
  expect(inFlightCurve(REQUESTS, 4000)).toEqual([
    [round(2000 / 60_000), 0.75],
    [round(6000 / 60_000), 1.25],
    [round(10_000 / 60_000), 1],
  ])
  expect(mostInFlight(REQUESTS)).toBe(2)
})

test("a rate counts what falls into each step, also into none", () => {
  expect(rateCurve([0, 999, 30_500, null], 10_000)).toEqual([
    [round(5000 / 60_000), 12],
    [round(15_000 / 60_000), 0],
    [round(25_000 / 60_000), 0],
    [round(35_000 / 60_000), 6],
  ])
})

test("waits leave out what was not called, the oldest wait counts it", () => {
  expect(waitsOf(REQUESTS, "low")).toEqual([1, 4])
  expect(waitsOf(REQUESTS, "high")).toEqual([])
  const waits = oldestWaitCurve(REQUESTS, 2000, 8000).map(([, seconds]) => seconds)
  expect(waits).toEqual([0, 2, 1, 3, 5])
})

test("the busiest part of a trace is drawn the same each time, with the shares that are stated", () => {
  const plans = planTrace("conv", 240_000)
  expect(plans.length).toBeGreaterThan(planTrace("conv", 120_000).length)
  expect(plans.at(-1)?.arrivalMs).toBeLessThan(240_000)
  const requests = drawRequests(plans)
  expect(drawRequests(plans)).toEqual(requests)
  for (const [priority, share] of Object.entries(PRIORITY_SHARES)) {
    const drawn = requests.filter((request) => request.priority === priority).length / requests.length
    expect(Math.abs(drawn - share)).toBeLessThan(0.03)
  }
  const firsts = requests.map(({ firstTokenMs }) => firstTokenMs).toSorted((a, b) => a - b)
  expect(firsts[Math.floor(firsts.length / 2)]).toBeCloseTo(600, -2)
})
