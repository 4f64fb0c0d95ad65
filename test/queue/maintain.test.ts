import { expect, test } from "vitest"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const MAX_AGE_MS = 604_800_000

/** The ids that the next claim gives out as overdue, after settling them. */
async function overdueIds(queue: TestQueue) {
  const { overdue } = await queue.take({ limit: 0 })
  expect(new Set(overdue.map(({ reason }) => reason))).toEqual(
    new Set(overdue.length ? ["deadline_exceeded"] : []),
  )
  await queue.settle(overdue.map((each) => settlement(each, "failed")))
  return overdue.map(({ lease }) => lease.requestId)
}

describeQueue("maintain", ({ open, loseAnswerOf }) => {
  test("fails what has been pending for longer than MAX_PENDING_AGE_SECONDS, also where nobody serves it", async () => {
    const queue = open({ settings: { providers: ["openai", "anthropic"] } })
    const old = await queue.enqueueEach({}, { provider: "anthropic" }, { provider: "removed" })
    await queue.setPaused("anthropic", true)
    queue.clock.advance(MAX_AGE_MS)
    const [young = ""] = await queue.enqueueEach({})
    await queue.maintain()
    expect(await overdueIds(queue)).toEqual([])
    queue.clock.advance(1)
    loseAnswerOf("expire")
    await queue.maintain()
    expect((await overdueIds(queue)).sort()).toEqual([...old].sort())
    for (const id of old) {
      expect(await queue.status(id, null)).toMatchObject({
        state: "failed",
        error: { code: "deadline_exceeded" },
      })
    }
    expect((await queue.status(young, null))?.state).toBe("pending")
  })

  test("by a process that has not met the line", async () => {
    const queue = open({ settings: { providers: ["local-llm"] } })
    const [id = ""] = await queue.enqueueEach({ provider: "local-llm" })
    queue.clock.advance(MAX_AGE_MS + 1)
    const stranger = queue.sibling({ settings: { providers: ["openai"] } })
    await stranger.maintain()
    expect(await overdueIds(stranger)).toEqual([id])
  })

  test("age counts from when a request was first due, and anew after a replay", async () => {
    const queue = open()
    const [delayed = "", replayed = ""] = await queue.enqueueEach(
      { scheduledAt: queue.clock() + MAX_AGE_MS - 1000, priority: "low" },
      {},
    )
    await queue.settle([settlement(await queue.takeOne(), "failed")])
    queue.clock.advance(MAX_AGE_MS)
    await queue.replay(replayed, null, { deadlineAt: null })
    await queue.take({ limit: 0 })
    queue.clock.advance(1)
    await queue.maintain()
    expect(await overdueIds(queue)).toEqual([])
    queue.clock.advance(MAX_AGE_MS)
    await queue.maintain()
    expect((await overdueIds(queue)).sort()).toEqual([delayed, replayed].sort())
  })

  test("leaves what is running, and what waits for its time", async () => {
    const queue = open()
    const [running = "", later = ""] = await queue.enqueueEach(
      { timeoutMs: 600_000 },
      { scheduledAt: queue.clock() + 2 * MAX_AGE_MS },
    )
    const { lease } = await queue.takeOne()
    await queue.extend(lease, queue.clock() + 2 * MAX_AGE_MS)
    queue.clock.advance(MAX_AGE_MS + 1)
    await queue.maintain()
    expect(await overdueIds(queue)).toEqual([])
    expect((await queue.status(running, null))?.state).toBe("processing")
    expect((await queue.status(later, null))?.state).toBe("scheduled")
  })

  test("a deadline of its own does not protect a request from its age", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({ deadlineAt: queue.clock() + 3 * MAX_AGE_MS })
    queue.clock.advance(MAX_AGE_MS + 1)
    await queue.maintain()
    expect(await overdueIds(queue)).toEqual([id])
  })

  test("one that is cancelled before it is failed leaves nothing behind", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    queue.clock.advance(MAX_AGE_MS + 1)
    await queue.maintain()
    await queue.cancel(id, null)
    expect(await overdueIds(queue)).toEqual([])
    expect(await queue.redis.zCard(queue.keys.deadlines)).toBe(0)
  })

  test("forgets the counts of organizations that have nothing left, and only theirs", async () => {
    const queue = open()
    await queue.enqueueEach({ organizationId: "idle" }, { organizationId: "busy", priority: "low" })
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    loseAnswerOf("forget")
    await queue.maintain()
    const fields = Object.keys(await queue.redis.hGetAll(queue.keys.meta))
    expect(fields.filter((field) => field.startsWith("live:"))).toEqual(["live:busy"])
    await queue.enqueueEach({ organizationId: "idle" })
    expect(await queue.redis.hGet(queue.keys.meta, "live:idle")).toBe("1")
  })

  test("sees to the hourly clean-up", async () => {
    const queue = open()
    await queue.enqueueEach({ resultTtlSeconds: 60 })
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    queue.clock.advance(61_000)
    await queue.maintain()
    expect(await queue.redis.hGet(queue.keys.meta, "kept:completed")).toBe("")
  })

  test("on an empty queue does nothing", async () => {
    const queue = open()
    await queue.maintain()
    expect(await queue.redis.keys(`aiq:{${queue.name}}:*`)).toEqual([])
  })
})
