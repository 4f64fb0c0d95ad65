import fc from "fast-check"
import { expect, test } from "vitest"
import { createTestClock, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const RUNS = { redis: 50, embedded: 8 }
/** How far a process's clock may be off. */
const MAX_SKEW_MS = 2000
/** What a lease covers beyond the timeout: waiting for a slot, and settling. */
const WAIT_FOR_SLOT_MS = 20_000
const SETTLE_MS = 5000

const skew = fc.integer({ min: -MAX_SKEW_MS, max: MAX_SKEW_MS })

describeQueue("two processes whose clocks differ", ({ kind, open }) => {
  /** Two processes; `pass` moves both clocks. */
  function openSkewed(skews: [number, number]) {
    const at = Date.now() + 10_000
    const first = open({ clock: createTestClock(at + skews[0]), random: () => 0 })
    const second = first.sibling({ clock: createTestClock(at + skews[1]), random: () => 0 })
    const pass = (ms: number) => {
      for (const { clock } of [first, second]) clock.advance(ms)
    }
    return { first, second, pass }
  }
  const check = <Ts>(property: fc.IAsyncPropertyWithHooks<Ts>) => fc.assert(property, { numRuns: RUNS[kind] })
  const skews = fc.tuple(skew, skew)

  test("a lease outlasts the wait for a slot, the call and its settling, whoever else looks", async () => {
    const timeout = fc.constantFrom(1000, 30_000, 61_000, 600_000)
    const property = fc.asyncProperty(
      skews,
      timeout,
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (off, timeoutMs, share) => {
        const { first, second, pass } = openSkewed(off)
        await first.enqueueEach({ timeoutMs })
        const claimed = await first.takeOne({ owner: "first" })
        pass(Math.floor(share * (WAIT_FOR_SLOT_MS + timeoutMs + SETTLE_MS)))
        expect((await second.take({ owner: "second" })).requests).toEqual([])
        expect(await first.settle([settlement(claimed, "completed")])).toEqual(["settled"])
        expect((await second.status(claimed.lease.requestId, null))?.attempts).toHaveLength(1)
      },
    )
    await check(property)
  })

  test("a lease that is lost is found by either, at most the difference late", async () => {
    const property = fc.asyncProperty(skews, async (off) => {
      const { first, second, pass } = openSkewed(off)
      const [id] = await first.enqueueEach({})
      const { lease } = await first.takeOne({ owner: "first" })
      pass(lease.expiresAt - first.clock() + 2 * MAX_SKEW_MS)
      const again = await second.takeOne({ owner: "second" })
      expect(again.lease).toMatchObject({ requestId: id, attempt: 2 })
    })
    await check(property)
  })

  test("what is due, overdue or just enqueued comes within the difference, and no earlier", async () => {
    const property = fc.asyncProperty(skews, fc.constantFrom(5000, 60_000), async (off, delayMs) => {
      const { first, second, pass } = openSkewed(off)
      const [now, later] = await first.enqueueEach({}, { scheduledAt: first.clock() + delayMs })
      const ids = async (queue: TestQueue) => {
        const { requests } = await queue.take()
        await queue.settle(requests.map((each) => settlement(each, "completed")))
        return requests.map(({ head }) => head.requestId)
      }
      expect(await ids(second)).toEqual([now])
      pass(delayMs - 2 * MAX_SKEW_MS - 1)
      expect(await ids(second)).toEqual([])
      pass(4 * MAX_SKEW_MS + 1)
      expect(await ids(second)).toEqual([later])
      await first.enqueueEach({ deadlineAt: first.clock() + delayMs })
      pass(delayMs + 2 * MAX_SKEW_MS)
      const { requests, overdue } = await second.take()
      expect({ requests, reasons: overdue.map(({ reason }) => reason) }).toEqual({
        requests: [],
        reasons: ["deadline_exceeded"],
      })
      await second.settle(overdue.map((each) => settlement(each, "failed")))
    })
    await check(property)
  })

  test("nothing that is told has a negative age or duration", async () => {
    const property = fc.asyncProperty(skews, async (off) => {
      const { first, second } = openSkewed(off)
      await first.enqueueEach({}, {}, {})
      const before = await second.stats()
      expect(before.oldestPendingAgeMs).toBeGreaterThanOrEqual(0)
      const claimed = await second.takeOne()
      await first.settle([settlement(claimed, "completed", { finishedAt: first.clock() })])
      const { waitMs, providerMs, oldestPendingAgeMs, counts } = await second.stats()
      expect(counts).toMatchObject({ pending: 2, completed: 1 })
      expect(oldestPendingAgeMs).toBeGreaterThanOrEqual(0)
      for (const { p50, p99 } of [waitMs, providerMs]) {
        expect(p50 ?? 0).toBeGreaterThanOrEqual(0)
        expect(p99 ?? 0).toBeLessThanOrEqual(2.2 * MAX_SKEW_MS)
      }
      const { drain } = await second.health()
      expect(drain.ageMs ?? 0).toBeGreaterThanOrEqual(0)
    })
    await check(property)
  })
})
