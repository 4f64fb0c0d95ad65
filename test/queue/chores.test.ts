import { expect, test } from "vitest"
import type { CallbackEvent } from "../../src/core/request.ts"
import { createChores } from "../../src/queue/chores.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const ALL: CallbackEvent[] = ["request.completed", "request.failed", "request.cancelled"]
const callback = (events = ALL) => ({ url: "https://example.com/hook", events, includeResponse: false })

describeQueue("chores", ({ store, open, loseAnswerOf }) => {
  const choresOf = (queue: TestQueue) => {
    const { url, token } = store()
    return createChores({ redis: { url, token }, queueName: queue.name, clock: queue.clock })
  }
  const namesIn = async ({ redis, keys }: TestQueue) => (await redis.zRange(keys.chores, 0, -1)).sort()

  test("each end that a callback asks for becomes one, in the script that writes the outcome", async () => {
    const queue = open()
    const ids = await queue.enqueueEach(
      { callback: callback() },
      { callback: callback() },
      { callback: callback() },
    )
    const [completed, failed, cancelled] = ids
    await queue.cancel(cancelled ?? "", null)
    const { requests } = await queue.take()
    loseAnswerOf("settle")
    const settlements = requests.map((claimed) =>
      settlement(claimed, claimed.head.requestId === failed ? "failed" : "completed"),
    )
    await queue.settle(settlements)
    expect(await namesIn(queue)).toEqual(
      [
        `delivery|${completed}|completed|0`,
        `delivery|${failed}|failed|0`,
        `delivery|${cancelled}|cancelled|0`,
      ].sort(),
    )
  })

  test("what it does not ask for, and a request without one, is nobody's", async () => {
    const queue = open()
    await queue.enqueueEach({ callback: callback(["request.failed"]) }, {})
    const { requests } = await queue.take()
    await queue.settle(requests.map((claimed) => settlement(claimed, "completed")))
    expect(await namesIn(queue)).toEqual([])
  })

  test("a replayed request's end is another one than its first", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({ callback: callback() })
    await queue.settle([settlement(await queue.takeOne(), "failed")])
    await queue.replay(id, null, { deadlineAt: null })
    expect((await queue.status(id, null))?.callback).toEqual(callback())
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    expect(await namesIn(queue)).toEqual([`delivery|${id}|completed|1`, `delivery|${id}|failed|0`])
  })

  test("claims, and a cancel, tell of them until somebody has taken them", async () => {
    const queue = open()
    const chores = choresOf(queue)
    const [id = ""] = await queue.enqueueEach({ callback: callback() })
    expect((await queue.take({ limit: 0 })).choresDue).toBe(false)
    expect(await queue.cancel(id, null)).toMatchObject({ kind: "cancelled", choresDue: true })
    expect((await queue.take()).choresDue).toBe(true)
    const taken = await chores.take(10, 60_000)
    expect(taken.nextAt).toBe(queue.clock() + 60_000)
    expect((await queue.take()).choresDue).toBe(false)
    queue.clock.advance(60_000)
    expect((await queue.take()).choresDue).toBe(true)
  })

  test("one is held by one at a time, put off, and done", async () => {
    const queue = open()
    const chores = choresOf(queue)
    const now = queue.clock()
    await chores.put("batch|b1", now + 1000)
    expect(await chores.take(10, 60_000)).toEqual({ chores: [], nextAt: now + 1000 })
    queue.clock.advance(1000)
    const [held] = (await chores.take(10, 60_000)).chores
    if (held === undefined) throw new Error("nothing was due")
    expect((await chores.take(10, 60_000)).chores).toEqual([])
    expect(await chores.settle(held, now + 90_000)).toBe(true)
    queue.clock.advance(89_000)
    const [again] = (await chores.take(10, 60_000)).chores
    if (again === undefined) throw new Error("nothing was due")
    expect(await chores.settle(held, null)).toBe(false)
    expect(await chores.settle(again, null)).toBe(true)
    expect(await chores.take(10, 60_000)).toEqual({ chores: [], nextAt: null })
  })

  test("one that is asked for anew while it is worked on is not lost with its end", async () => {
    const queue = open()
    const chores = choresOf(queue)
    await chores.put("batch|b1", queue.clock())
    const [held] = (await chores.take(10, 60_000)).chores
    await chores.put("batch|b1", queue.clock() + 5)
    expect(held && (await chores.settle(held, null))).toBe(false)
    expect(await namesIn(queue)).toEqual(["batch|b1"])
  })

  test("the lines of a batch are counted by what they come to, once each", async () => {
    const queue = open()
    const { redis, keys } = queue
    await queue.enqueueEach({ batchId: "batch_1" }, { batchId: "batch_1" }, { batchId: "batch_1" }, {})
    const { requests } = await queue.take()
    loseAnswerOf("settle")
    await queue.settle(requests.map((claimed, i) => settlement(claimed, i === 1 ? "failed" : "completed")))
    const counts = ["completed", "failed", "cancelled"].map((state) => `batch:batch_1:${state}`)
    expect(await redis.hmGet(keys.meta, counts)).toEqual(["2", "1", null])
    await queue.replay(requests[1]?.head.requestId ?? "", null, { deadlineAt: null })
    // It has ended once, which is what its batch was told.
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    expect(await redis.hmGet(keys.meta, counts)).toEqual(["2", "1", null])
  })
})
