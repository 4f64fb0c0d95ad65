import { expect, test } from "vitest"
import { withLimits } from "../helpers/claims.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

/** Claims, expects these to be overdue, and settles them as a drain would. */
async function expectOverdue(queue: TestQueue, ids: string[]) {
  const { requests, overdue } = await queue.take()
  expect(requests).toEqual([])
  expect(overdue.map(({ lease }) => lease.requestId).sort()).toEqual([...ids].sort())
  for (const { reason, lease } of overdue) {
    expect(reason).toBe("deadline_exceeded")
    expect(lease.expiresAt).toBe(queue.clock() + 30_000)
  }
  const replies = await queue.settle(overdue.map((each) => settlement(each, "failed")))
  expect(new Set(replies)).toEqual(new Set(["settled"]))
  for (const id of ids) {
    expect(await queue.status(id, null)).toMatchObject({
      ...{ state: "failed", error: { code: "deadline_exceeded" }, finishedAt: queue.clock() },
    })
  }
}

describeQueue("deadlines", ({ open }) => {
  test("a pending and a scheduled request are overdue from the deadline on, not before", async () => {
    const queue = open()
    const now = queue.clock()
    const ids = await queue.enqueueEach(
      { deadlineAt: now + 5000, priority: "critical" },
      { scheduledAt: now + 2000, deadlineAt: now + 5000 },
    )
    await queue.setPaused(null, true)
    queue.clock.advance(4999)
    expect(await queue.take()).toMatchObject({ overdue: [], requests: [], wakeAt: now + 5000 })
    queue.clock.advance(1)
    await expectOverdue(queue, ids)
    expect((await queue.status(ids[0] ?? "", null))?.attempts).toEqual([])
    // Nothing of it is left to come: at most a look at the time its lease would have ended.
    queue.clock.advance(30_000)
    expect((await queue.take()).wakeAt).toBe(null)
  })

  test("in paused, blocked and unserved lines too", async () => {
    const queue = open({ settings: { providers: ["openai", "anthropic"] } })
    const deadlineAt = queue.clock() + 60_000
    const [blocker] = await queue.enqueueEach({ provider: "anthropic" })
    const report = { blockedUntil: queue.clock() + 600_000 }
    await queue.settle([settlement(await queue.takeOne(), "completed", { report })])
    const ids = await queue.enqueueEach(
      { deadlineAt },
      { deadlineAt, provider: "anthropic" },
      { deadlineAt, provider: "removed" },
      { deadlineAt, scheduledAt: deadlineAt - 10_000 },
    )
    await queue.setPaused("openai", true)
    queue.clock.set(deadlineAt)
    await expectOverdue(queue, ids)
    expect((await queue.status(blocker ?? "", null))?.state).toBe("completed")
  })

  test("a running call is left alone, and its answer is kept", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({ deadlineAt: queue.clock() + 5000 })
    const claimed = await queue.takeOne()
    queue.clock.advance(6000)
    expect(await queue.take()).toMatchObject({ overdue: [], requests: [] })
    expect((await queue.status(id, null))?.state).toBe("processing")
    expect(await queue.settle([settlement(claimed, "completed")])).toEqual(["settled"])
    expect((await queue.status(id, null))?.state).toBe("completed")
  })

  test.each(["release", "return"] as const)(
    "a request that comes back by %s after its deadline is overdue, not claimed",
    async (kind) => {
      const queue = open()
      const [id = ""] = await queue.enqueueEach({ deadlineAt: queue.clock() + 5000 })
      const claimed = await queue.takeOne()
      queue.clock.advance(6000)
      // The sweep comes by while the call runs.
      await queue.take({ owner: "other" })
      await queue.setPaused(null, true)
      expect(await queue.settle([settlement(claimed, kind)])).toEqual(["settled"])
      await expectOverdue(queue, [id])
    },
  )

  test("while it backs off", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({ deadlineAt: queue.clock() + 5000 })
    await queue.settle([settlement(await queue.takeOne(), "retry", { dueAt: queue.clock() + 4000 })])
    queue.clock.advance(5000)
    await expectOverdue(queue, [id])
    expect((await queue.status(id, null))?.attempts).toMatchObject([{ number: 1, result: "retry" }])
  })

  test("an overdue request is shown as processing, and cannot be claimed by another", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({ deadlineAt: queue.clock() + 1000 })
    queue.clock.advance(1000)
    const { overdue } = await queue.take()
    expect(overdue).toHaveLength(1)
    expect(await queue.take({ owner: "other" })).toMatchObject({ requests: [], overdue: [] })
    expect((await queue.status(id, null))?.state).toBe("processing")
    queue.clock.advance(30_000)
    await expectOverdue(queue, [id])
  })

  test("hundreds of overdue requests are handed out over several claims", async () => {
    const queue = open()
    const deadlineAt = queue.clock() + 1000
    const ids = Array.from({ length: 250 }, () => queue.newRequest({ deadlineAt }))
    await queue.enqueue(ids)
    queue.clock.set(deadlineAt)
    let failed = 0
    for (let claims = 0; claims < 5 && failed < 250; claims++) {
      const { requests, overdue, wakeAt } = await queue.take()
      expect(requests).toEqual([])
      expect(wakeAt).toBeLessThanOrEqual(queue.clock() + 30_000)
      await queue.settle(overdue.map((each) => settlement(each, "failed")))
      failed += overdue.length
    }
    expect((await queue.stats()).counts).toMatchObject({ pending: 0, failed: 250 })
  })

  test("a finished request's deadline is forgotten", async () => {
    const queue = open()
    const deadlineAt = queue.clock() + 5000
    const [, cancelled = ""] = await queue.enqueueEach({ deadlineAt }, { deadlineAt, priority: "low" })
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    await queue.cancel(cancelled, null)
    expect(await queue.redis.zCard(queue.keys.deadlines)).toBe(0)
    queue.clock.set(deadlineAt)
    expect((await queue.take()).overdue).toEqual([])
  })

  test("an overdue request that was never called does not count among the calls of its model", async () => {
    const queue = open(withLimits({ openai: { models: { "gpt-test": { concurrency: 1 } } } }))
    await queue.enqueueEach({ deadlineAt: queue.clock() + 1000 }, {}, {})
    queue.clock.advance(1000)
    const { overdue, requests } = await queue.take()
    expect([overdue.length, requests.length]).toEqual([1, 1])
  })
})
