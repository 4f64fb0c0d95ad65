import fc from "fast-check"
import { expect, test } from "vitest"
import { LaneAlarm } from "../../src/drain/lane-alarm.ts"

/** Storage that takes its time, in order, as a Durable Object's does. */
function slowStorage(at: number | null = null) {
  const writes: number[] = []
  return {
    writes,
    get at() {
      return writes.at(-1) ?? at
    },
    getAlarm: async () => at,
    setAlarm: async (instant: number) => {
      writes.push(instant)
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

test("is set for the earliest instant that was asked for, however the calls interleave", () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 100, max: 1000 }), { minLength: 1 }), async (instants) => {
      const storage = slowStorage()
      const alarm = new LaneAlarm(storage, () => 100)
      await alarm.load()
      await Promise.all(instants.map((at) => alarm.arm(at)))
      expect(storage.at).toBe(Math.min(...instants))
    }),
  ))

test("knows what was set before it was restarted", async () => {
  const storage = slowStorage(500)
  const alarm = new LaneAlarm(storage, () => 100)
  await alarm.load()
  await alarm.arm(600)
  expect(storage.writes).toEqual([])
  await alarm.arm(400)
  expect(storage.writes).toEqual([400])
})

test("a past instant means now, and is written once until it goes off", async () => {
  const storage = slowStorage()
  const alarm = new LaneAlarm(storage, () => 100)
  await alarm.load()
  for (let i = 0; i < 3; i++) await alarm.arm(0)
  expect(storage.writes).toEqual([100])
  alarm.fired()
  await alarm.arm(0)
  expect(storage.writes).toEqual([100, 100])
})

test("one that should have gone off long ago is set anew", async () => {
  const storage = slowStorage(1000)
  let now = 5999
  const alarm = new LaneAlarm(storage, () => now)
  await alarm.load()
  await alarm.arm(0)
  expect(storage.writes).toEqual([])
  now = 6000
  await alarm.arm(0)
  expect(storage.writes).toEqual([6000])
})
