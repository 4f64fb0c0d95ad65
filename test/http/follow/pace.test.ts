import { expect, it } from "vitest"
import { looksWithin, nextPauseMs, type Standing } from "../../../src/http/follow/pace.ts"

const PENDING: Standing["status"] = { state: "pending", scheduledAt: null, estimatedStartAt: null }
const NOW = 1_000_000
const ample = looksWithin(10_000)

/** When looks come while a call takes so long, ms after its start. */
function looksAt(callMs: number, waitMs: number, looks: number): number[] {
  const at: number[] = []
  const standing = { startedAt: NOW, sinceAt: NOW, status: PENDING, isSparing: false }
  for (let ms = 0; ms < Math.min(callMs, waitMs) && at.length < 1000; ) {
    ms += nextPauseMs(standing, NOW + ms, NOW + waitMs, looks - at.length)
    at.push(ms)
  }
  return at
}

it("looks at a call often at first, then ever less often, and at least twice a second", () => {
  const pauses = looksAt(20_000, 60_000, ample).map((ms, i, all) => ms - (all[i - 1] ?? 0))
  expect(pauses[0]).toBe(150)
  expect(Math.max(...pauses)).toBe(500)
  expect(pauses).toEqual([...pauses].sort((a, b) => a - b))
})

it.each([[1000], [3000], [10_000], [30_000]])(
  "sees the end of a call of %d ms soon, at few looks",
  (callMs) => {
    const looks = looksAt(callMs, 60_000, ample)
    expect((looks.at(-1) ?? 0) - callMs).toBeLessThanOrEqual(500)
    expect(looks.length).toBeLessThanOrEqual(20 + callMs / 500)
  },
)

it.each([[10], [40]])("makes %d looks last for a whole wait", (looks) => {
  for (const waitMs of [5000, 30_000, 60_000, 600_000]) {
    const at = looksAt(Number.POSITIVE_INFINITY, waitMs, looks)
    expect(at.length).toBeLessThanOrEqual(looks + 1)
    expect(at.at(-1)).toBe(waitMs)
  }
})

it("looks at what waits as its start comes near, and never later than in two seconds", () => {
  const pause = (startsInMs: number) => {
    const estimatedStartAt = { p50: NOW + startsInMs, p90: NOW + 2 * startsInMs }
    const status = { ...PENDING, estimatedStartAt }
    return nextPauseMs({ startedAt: null, sinceAt: NOW, status, isSparing: false }, NOW, NOW + 60_000, ample)
  }
  expect([pause(60_000), pause(4000), pause(400), pause(-5000)]).toEqual([2000, 1000, 150, 150])
})

it("never looks after the time is up", () => {
  for (const isSparing of [false, true]) {
    const standing = { startedAt: null, sinceAt: NOW, status: PENDING, isSparing }
    expect(nextPauseMs(standing, NOW, NOW + 40, ample)).toBe(40)
  }
})

it("looks half as often where commands are spared", () => {
  for (const [startedAt, ms] of [
    [null, 0],
    [NOW, 0],
    [NOW, 30_000],
  ] as const) {
    const pause = (isSparing: boolean) =>
      nextPauseMs({ startedAt, sinceAt: NOW, status: PENDING, isSparing }, NOW + ms, NOW + 600_000, ample)
    expect(pause(true)).toBe(2 * pause(false))
  }
})
