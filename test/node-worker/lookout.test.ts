import { afterEach, beforeEach, expect, it, vi } from "vitest"
import type { QueueHealth } from "../../src/queue/figures-contract.ts"
import { AlertRounds } from "../../src/worker/alert-rounds.ts"
import { Lookout } from "../../src/worker/lookout.ts"

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const EMPTY: QueueHealth = {
  ...{ status: "ok", store: { ok: true, latencyMs: 1 }, drain: { lastRunAt: null, ageMs: null } },
  ...{ backlog: 0, unservedLines: [], troubled: [] },
}
const NOTHING = {
  ...{ requests: [], overdue: [], wakeAt: null, remaining: 0 },
  ...{ maintenanceDue: false, rollDue: false, choresDue: false },
}

/** Looks and claims of an hour in which there is nothing to do. */
async function idleHour(isSparing: boolean) {
  const counts = { looks: 0, claims: 0 }
  const health = async () => {
    counts.looks += 1
    return EMPTY
  }
  const lookout = new Lookout({ health, isSparing: () => isSparing }, Date.now, { min: 250, max: 15_000 })
  const watcher = {
    room: 2,
    wake: () => {
      counts.claims += 1
      lookout.claimed(NOTHING)
    },
  }
  lookout.join(watcher)
  await vi.advanceTimersByTimeAsync(3_600_000)
  lookout.leave(watcher)
  return counts
}

it("looks half as often and claims a fifth as often where commands are spared", async () => {
  const [often, seldom] = [await idleHour(false), await idleHour(true)]
  expect(often).toEqual({ looks: expect.closeTo(185, -1.3), claims: expect.closeTo(60, -1) })
  expect(seldom).toEqual({ looks: expect.closeTo(113, -1.3), claims: expect.closeTo(12, -1) })
})

it("claims at once when there are chores, though nothing is due for a minute", async () => {
  let claims = 0
  const lookout = new Lookout({ health: async () => EMPTY, isSparing: () => true }, Date.now, {
    min: 250,
    max: 15_000,
  })
  const watcher = {
    room: 2,
    wake: () => {
      claims += 1
      lookout.claimed(NOTHING)
    },
  }
  const rounds = new AlertRounds(
    async () => true,
    () => lookout.hurry(),
  )
  lookout.join(watcher)
  rounds.join(watcher)
  await vi.advanceTimersByTimeAsync(1000)
  expect(claims).toBe(1)
  rounds.leave(watcher)
  lookout.leave(watcher)
})
