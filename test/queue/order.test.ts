import { expect, test } from "vitest"
import { PRIORITIES } from "../../src/core/request.ts"
import { scoreOf } from "../../src/queue/score.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const scoreIn = (queue: TestQueue, id: string) => queue.redis.zScore(queue.keys.line("openai"), id)

describeQueue("the order of a line", ({ open }) => {
  test("scores in the store are those of the formula, for every priority", async () => {
    const queue = open()
    for (const priority of PRIORITIES) {
      const [id = ""] = await queue.enqueueEach({ priority })
      expect(await scoreIn(queue, id)).toBe(scoreOf(priority, queue.clock(), 0, 60_000))
      queue.clock.advance(1234)
    }
  })

  test("a retry costs its penalty and leaves the age alone", async () => {
    const queue = open({ settings: { retryPenaltyMs: 45_000 } })
    const enqueuedAt = queue.clock()
    const [id = ""] = await queue.enqueueEach({ priority: "high" })
    for (let retries = 1; retries <= 3; retries++) {
      await queue.settle([settlement(await queue.takeOne(), "retry", { dueAt: queue.clock() + 7000 })])
      queue.clock.advance(7000)
      await queue.take({ limit: 0 })
      expect(await scoreIn(queue, id)).toBe(scoreOf("high", enqueuedAt, retries, 45_000))
    }
    // Neither a hand-back nor a lost lease is a retry.
    await queue.settle([settlement(await queue.takeOne(), "return")])
    expect(await scoreIn(queue, id)).toBe(scoreOf("high", enqueuedAt, 3, 45_000))
    await queue.settle([settlement(await queue.takeOne(), "release")])
    expect(await scoreIn(queue, id)).toBe(scoreOf("high", enqueuedAt, 3, 45_000))
    queue.clock.set((await queue.takeOne()).lease.expiresAt)
    await queue.take({ limit: 0 })
    expect(await scoreIn(queue, id)).toBe(scoreOf("high", enqueuedAt, 3, 45_000))
  })

  test("a retried request yields to fresh ones of its level, never to the next level", async () => {
    const queue = open({ settings: { retryPenaltyMs: 1_000_000 } })
    const enqueuedAt = queue.clock()
    const [retried = ""] = await queue.enqueueEach({ priority: "normal" })
    for (let retries = 1; retries <= 10; retries++) {
      await queue.settle([settlement(await queue.takeOne(), "retry", { dueAt: queue.clock() + 1 })])
      queue.clock.advance(1)
      await queue.take({ limit: 0 })
      expect(await scoreIn(queue, retried)).toBe(scoreOf("normal", enqueuedAt, retries, 1_000_000))
    }
    expect(await scoreIn(queue, retried)).toBe(scoreOf("normal", enqueuedAt, 0, 0) + 8_999_999)
    const [low = "", fresh = ""] = await queue.enqueueEach({ priority: "low" }, { priority: "normal" })
    const { requests } = await queue.take()
    expect(requests.map(({ head }) => head.requestId)).toEqual([fresh, retried, low])
  })

  test("low passes normal after the 9,000 s between them, and not before", async () => {
    const queue = open()
    const [low = ""] = await queue.enqueueEach({ priority: "low" })
    queue.clock.advance(9_000_000 - 1)
    const [before = ""] = await queue.enqueueEach({ priority: "normal" })
    queue.clock.advance(2)
    const [after = ""] = await queue.enqueueEach({ priority: "normal" })
    const { requests } = await queue.take()
    expect(requests.map(({ head }) => head.requestId)).toEqual([before, low, after])
  })

  test("age counts from when a request is first due, not from when it was accepted or taken in", async () => {
    const queue = open()
    const now = queue.clock()
    const [week = ""] = await queue.enqueueEach({ scheduledAt: now + 604_800_000 })
    queue.clock.advance(604_800_000 - 1000)
    const [fresh = ""] = await queue.enqueueEach({})
    // Nobody came by for two seconds after it was due.
    queue.clock.advance(3000)
    const [latest = ""] = await queue.enqueueEach({})
    await queue.take({ limit: 0 })
    expect(await scoreIn(queue, week)).toBe(scoreOf("normal", now + 604_800_000, 0, 60_000))
    const { requests } = await queue.take()
    expect(requests.map(({ head }) => head.requestId)).toEqual([fresh, week, latest])
  })

  test("due requests are taken in by their scores, not by their due times", async () => {
    const queue = open()
    const now = queue.clock()
    const ids = await queue.enqueueEach(
      { priority: "low", scheduledAt: now + 100 },
      { priority: "critical", scheduledAt: now + 900 },
      { priority: "normal", scheduledAt: now + 500 },
      { priority: "critical", scheduledAt: now + 2000 },
    )
    queue.clock.advance(1000)
    const { requests, wakeAt } = await queue.take({ limit: 10 })
    expect(requests.map(({ head }) => ids.indexOf(head.requestId))).toEqual([1, 2, 0])
    expect(wakeAt).toBe(now + 2000)
  })
})
