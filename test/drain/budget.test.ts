import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { Budget } from "../../src/drain/budget.ts"
import { INVOCATION } from "../../src/drain/place.ts"
import { deciding } from "./deciding.ts"
import { describeScenes } from "./scene.ts"

const NOTHING = { uncalled: 0, running: 0, unsettledTrips: 0 }

describe("the budget of an invocation", () => {
  test("nothing is started that cannot end 30 s before its 15 minutes are over", () => {
    const budget = new Budget(1000, { subrequestLimit: 50, maxResultBytes: 1024 })
    expect(budget.longestTimeoutMs(1000)).toBe(870_000)
    expect(budget.longestTimeoutMs(1000 + 869_000)).toBe(1000)
    expect(budget.longestTimeoutMs(1000 + 869_001)).toBeNull()
    expect(budget.isOver(1000 + 899_999)).toBe(false)
    expect(budget.isOver(1000 + 900_000)).toBe(true)
  })

  test("whatever is claimed can be called and settled, also when every answer is as large as may be", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 500 }),
        fc.integer({ min: 1024, max: 4_900_000 }),
        fc.infiniteStream(fc.nat(60)),
        (subrequestLimit, maxResultBytes, wishes) => {
          const budget = new Budget(0, { subrequestLimit, maxResultBytes })
          let used = 0
          const spend = (count: number) => {
            used += count
            budget.spend(count)
          }
          for (const wish of wishes) {
            const claimable = budget.claimable(NOTHING)
            if (claimable < 1) break
            const claimed = Math.max(1, Math.min(wish, claimable))
            spend(2)
            for (let i = 0; i < claimed; i++) spend(1)
            const perGroup = Math.max(
              1,
              Math.min(INVOCATION.settleGroup, Math.floor(8_000_000 / maxResultBytes)),
            )
            spend(Math.ceil(claimed / perGroup))
          }
          expect(used).toBeLessThanOrEqual(subrequestLimit)
        },
      ),
    )
  })

  test("what is in hand is paid for before anything new", () => {
    const budget = new Budget(0, { subrequestLimit: 50, maxResultBytes: 4_000_000 })
    const free = budget.claimable(NOTHING)
    expect(free).toBe(28)
    expect(budget.claimable({ ...NOTHING, uncalled: free })).toBe(0)
    expect(budget.claimable({ ...NOTHING, running: 20 })).toBe(22)
    expect(budget.claimable({ ...NOTHING, unsettledTrips: 3 })).toBe(26)
  })
})

test("of what was claimed with several tries, as much is called as can be settled", () => {
  const { drain, hold } = deciding({ subrequestLimit: 50 })
  const claimed = drain.budget.claimable(NOTHING)
  // Two claims that were given up, and the one that was answered, with its bodies.
  const asking = 4 + 4 + 2
  drain.budget.spend(asking)
  let called = 0
  for (; called < claimed && drain.affordsCall; called++) hold()
  // Each answer may be so large that it is settled by itself.
  expect([claimed, called]).toEqual([21, 19])
  expect(asking + 2 * called).toBe(50 - 2)
})

describeScenes("a drain with 50 subrequests", (scene) => {
  test.each([["50"], ["3"]])(
    "uses no more of them and strands nothing, %s calls at a time",
    async (concurrency) => {
      const s = await scene({ SUBREQUEST_LIMIT: "50", DRAIN_CONCURRENCY: concurrency })
      const ids = await s.enqueue(
        ...Array.from({ length: 100 }, (_, i) => ({ text: `${i} [[sim: latencyMs=${(i % 7) * 20}]]` })),
      )
      let drains = 0
      for (let done = 0; done < 100 && drains < 10; drains += 1) {
        s.store.bridge.counters.reset()
        const callsBefore = s.simulator.calls.length
        const report = await s.drain(`tick-${drains}`)
        const { requests } = s.store.bridge.counters
        expect(requests + s.simulator.calls.length - callsBefore).toBeLessThanOrEqual(50)
        expect(report.errors).toBe(0)
        expect((await s.queue.stats()).counts.processing).toBe(0)
        done += report.completed
      }
      expect(new Set(await s.states(ids))).toEqual(new Set(["completed"]))
      expect(s.simulator.calls).toHaveLength(100)
      expect(drains).toBeLessThanOrEqual(5)
    },
    30_000,
  )
})
