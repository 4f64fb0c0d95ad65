import { expect, test } from "vitest"
import { requestIdTime } from "../../src/core/ids.ts"
import { dayOf } from "../../src/queue/keys.ts"
import { eventually } from "../helpers/eventually.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const DAY_MS = 86_400_000

/** One request of each finished state, in this order: completed, failed, cancelled. */
async function finishThree(queue: TestQueue, resultTtlSeconds = 86_400) {
  const ids = await queue.enqueueEach({ resultTtlSeconds }, { resultTtlSeconds }, { resultTtlSeconds })
  const { requests } = await queue.take({ limit: 2 })
  await queue.settle(requests.map((each, i) => settlement(each, i === 0 ? "completed" : "failed")))
  await queue.cancel(ids[2] ?? "", null)
  return ids
}

/** Names of all keys that hold anything of these requests. */
async function keysOf(queue: TestQueue, ids: string[]) {
  const { keys, redis } = queue
  const texts = ids.flatMap((id) => [keys.metadata(id), keys.body(id), keys.outcome(id), keys.attempts(id)])
  const exists = await Promise.all(texts.map(async (key) => ((await redis.exists(key)) === 1 ? [key] : [])))
  const recent = keys.recent("org-1", dayOf(requestIdTime(ids[0] ?? "")))
  const listed = (await redis.zRange(recent, 0, -1)).filter((id) => ids.includes(id))
  return [...exists.flat(), ...listed]
}

describeQueue("cleanup", ({ open, loseAnswerOf, kind }) => {
  test("takes out of the indexes what is past its TTL, and nothing else", async () => {
    const queue = open({ settings: { deadLetterTtlSeconds: 1 } })
    const gone = await finishThree(queue, 1)
    const [kept = ""] = await queue.enqueueEach({ resultTtlSeconds: 60 })
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    expect(await queue.cleanup(null)).toEqual({ completed: 0, failed: 0, cancelled: 0 })
    // The store ends them by its own clock.
    await eventually(async () => (await queue.redis.exists(gone.map((id) => queue.keys.outcome(id)))) === 0)
    queue.clock.advance(2000)
    expect(await queue.cleanup(null)).toEqual({ completed: 1, failed: 1, cancelled: 1 })
    expect(await keysOf(queue, gone)).toEqual([])
    expect(await keysOf(queue, [kept])).toHaveLength(2)
    expect((await queue.stats()).counts).toMatchObject({ completed: 1, failed: 0, cancelled: 0 })
    expect(await queue.cleanup(null)).toEqual({ completed: 0, failed: 0, cancelled: 0 })
  })

  test("with an age, removes for good what finished that long ago", async () => {
    const queue = open()
    const old = await finishThree(queue)
    queue.clock.advance(10_000)
    const young = await finishThree(queue)
    const [live = ""] = await queue.enqueueEach({})
    loseAnswerOf("discard")
    const removed = await queue.cleanup(10)
    // Of the set whose answer was lost nobody knows how many there were.
    expect(Object.values(removed).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(2)
    expect(await keysOf(queue, old)).toEqual([])
    const states = await Promise.all(
      [...young, live].map(async (id) => (await queue.status(id, null))?.state),
    )
    expect(states).toEqual(["completed", "failed", "cancelled", "pending"])
    expect(await queue.cleanup(0)).toEqual({ completed: 1, failed: 1, cancelled: 1 })
    expect(await keysOf(queue, young)).toEqual([])
    expect((await queue.stats()).counts).toEqual({
      ...{ scheduled: 0, pending: 1, processing: 0, completed: 0, failed: 0, cancelled: 0 },
    })
  })

  test("goes by when a request finished, not by when it came or ends", async () => {
    const queue = open()
    const [first = "", second = ""] = await queue.enqueueEach(
      ...[{ resultTtlSeconds: 2_592_000 }, { resultTtlSeconds: 3600 }],
    )
    const { requests } = await queue.take()
    const [a, b] = requests
    if (!a || !b) throw new Error("not all were claimed")
    await queue.settle([settlement(a, "completed")])
    queue.clock.advance(60_000)
    await queue.settle([settlement(b, "completed")])
    expect(await queue.cleanup(60)).toMatchObject({ completed: 1 })
    expect(await queue.status(first, null)).toBe(null)
    expect((await queue.status(second, null))?.state).toBe("completed")
  })

  test("hundreds on one day, kept ones among them", async () => {
    const count = kind === "redis" ? 1300 : 620
    const queue = open()
    await queue.enqueue(Array.from({ length: count }, () => queue.newRequest()))
    for (let left = count; left > 0; left -= 200) {
      const { requests } = await queue.take({ limit: Math.min(left, 200) })
      await queue.settle(requests.map((each) => settlement(each, "completed")))
      if (left <= 400) queue.clock.advance(1000)
    }
    expect((await queue.stats()).counts.completed).toBe(count)
    const young = Math.min(count % 200 || 200, count)
    expect(await queue.cleanup(2)).toMatchObject({ completed: count - young })
    expect((await queue.stats()).counts.completed).toBe(young)
  })

  test("corrects the count of a day whose index has ended by itself", async () => {
    const queue = open({}, "spoiled")
    const ids = await finishThree(queue)
    const { keys, redis, clock } = queue
    await redis.del(keys.finished("completed", dayOf(clock() + DAY_MS)))
    clock.advance(3 * DAY_MS)
    await queue.cleanup(null)
    expect(await redis.hGet(keys.meta, "kept:completed")).toBe("")
    expect(ids).toHaveLength(3)
  })

  test("a replayed dead letter is not removed by a clean-up that had seen it failed", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    await queue.settle([settlement(await queue.takeOne(), "failed")])
    queue.clock.advance(5000)
    const [, reply] = await Promise.all([
      queue.cleanup(1),
      queue.sibling().replay(id, null, { deadlineAt: null }),
    ])
    const status = await queue.status(id, null)
    // Whoever came first: it is gone for good, or it is whole and in line.
    if (reply.kind === "replayed" && status !== null) {
      expect(status.state).toBe("pending")
      expect((await queue.takeOne()).body.messages).toHaveLength(1)
    } else expect(status).toBe(null)
  })
})
