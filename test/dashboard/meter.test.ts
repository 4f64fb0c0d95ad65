import fc from "fast-check"
import { expect, it } from "vitest"
import { EXTRAS, statsEvery, WATCHING_LIMIT } from "../../src/dashboard/data/budget.ts"
import { createMeter } from "../../src/dashboard/data/meter.ts"

const MINUTE_MS = 60_000

it("whatever is watched, and whenever it asks, no minute spends more than the limit", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ price: fc.integer({ min: 1, max: EXTRAS }), pauseMs: fc.nat(30_000) }), {
        maxLength: 60,
      }),
      (asked) => {
        let now = 0
        const meter = createMeter(() => now)
        const spent: { at: number; commands: number }[] = []
        const note = (commands: number, isPulse: boolean) => {
          meter.note({ commands, isPulse }, false)
          spent.push({ at: now, commands })
        }
        let nextPulse = 0
        const passTo = (at: number) => {
          for (; nextPulse <= at; nextPulse += 12_000) {
            now = nextPulse
            note(2, true)
          }
          now = at
        }
        for (const { price, pauseMs } of asked) {
          passTo(now + pauseMs)
          // As a watch does: it waits, and asks again.
          for (let waitMs = meter.waitFor(price); waitMs > 0; waitMs = meter.waitFor(price))
            passTo(now + waitMs)
          note(price, false)
        }
        for (const { at } of spent) {
          const inMinute = spent.filter((each) => each.at > at - MINUTE_MS && each.at <= at)
          expect(inMinute.reduce((sum, { commands }) => sum + commands, 0)).toBeLessThanOrEqual(
            WATCHING_LIMIT,
          )
        }
      },
    ),
  )
})

it("an issued key's look-up is counted once in 20 s, and nothing before it was spent", () => {
  let now = 0
  const meter = createMeter(() => now)
  expect(meter.lastMinute()).toBe(0)
  for (now = 0; now < 40_000; now += 10_000) meter.note({ commands: 2, isPulse: true }, true)
  expect(meter.total).toBe(4 * 2 + 2)
  now = 89_999
  expect(meter.lastMinute()).toBe(2)
})

it("the pulse never waits, whatever was opened or clicked", () => {
  const meter = createMeter(() => 0)
  meter.note({ commands: 10 * WATCHING_LIMIT, isPulse: false }, true)
  expect(meter.waitFor(0)).toBe(0)
  expect(meter.waitFor(1)).toBe(MINUTE_MS)
})

it("what alone is more than a minute leaves is read only when it is asked for", () => {
  expect(statsEvery(EXTRAS)).toBe(MINUTE_MS)
  expect(statsEvery(EXTRAS + 1)).toBeNull()
})
