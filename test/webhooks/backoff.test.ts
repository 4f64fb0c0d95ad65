import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { nextTryAt, PATIENCE_MS } from "../../src/webhooks/backoff.ts"

const START = 1_790_000_000_000
const until = START + PATIENCE_MS

/** When a delivery that always fails at once is tried. */
function triesOf(random: () => number, askedMs = 0): number[] {
  const at = [START]
  for (;;) {
    const next = nextTryAt(at.length, { now: at.at(-1) ?? 0, until, random, askedMs })
    if (next === null) return at
    at.push(next)
  }
}

describe("a delivery that always fails", () => {
  it("is tried after 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, then every 2 h, for 24 h", () => {
    const tries = triesOf(() => 0.5)
    const waits = tries.slice(1).map((at, i) => (at - (tries[i] ?? 0)) / 1000)
    expect(waits.slice(0, 8)).toEqual([5, 30, 120, 600, 1800, 3600, 7200, 7200])
    expect(tries.at(-1)).toBe(until)
    expect(tries).toHaveLength(19)
  })

  it("is tried until exactly a day is over, and later each time, whatever chance says", () => {
    fc.assert(
      fc.property(
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        fc.integer({ min: 0, max: PATIENCE_MS * 10 }),
        (chances, askedMs) => {
          const tries = triesOf(() => chances.next().value ?? 0, askedMs)
          expect(tries.at(-1)).toBe(until)
          for (const [i, at] of tries.slice(1).entries()) expect(at).toBeGreaterThan(tries[i] ?? 0)
        },
      ),
    )
  })
})

describe("the wait that a receiver asks for", () => {
  const wait = (askedMs: number, tries = 1) =>
    (nextTryAt(tries, { now: START, until, random: () => 0.5, askedMs }) ?? 0) - START

  it("is granted where it is longer than ours, up to two hours", () => {
    expect(wait(60_000)).toBe(60_000)
    expect(wait(1000)).toBe(5000)
    expect(wait(86_400_000)).toBe(7_200_000)
    expect(wait(1000, 5)).toBe(1_800_000)
  })
})
