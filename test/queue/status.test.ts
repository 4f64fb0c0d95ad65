import { expect, test } from "vitest"
import { settlement, USAGE } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

describeQueue("status", ({ open }) => {
  test("tells the whole story of a request, from accepted to answered", async () => {
    const queue = open()
    const { clock } = queue
    const request = queue.newRequest({
      ...{ priority: "high", organizationId: "org-5", metadata: { schlüssel: "🦊 値\n" }, simulated: true },
      ...{ scheduledAt: clock() + 2000, deadlineAt: clock() + 900_000, model: "gpt|test" },
    })
    const { requestId } = request.head
    const nothing = { response: null, usage: null, costUsd: null, error: null }
    const unstarted = {
      ...{ startedAt: null, finishedAt: null, estimatedStartAt: null, attempts: [], replays: 0 },
      ...nothing,
    }
    await queue.enqueue([request])
    expect(await queue.status(requestId, null)).toEqual({
      ...request.head,
      ...{ state: "scheduled", position: null, ...unstarted },
    })
    clock.advance(2000)
    await queue.take({ limit: 0 })
    expect(await queue.status(requestId, null)).toEqual({
      ...request.head,
      ...{ state: "pending", position: 1, ...unstarted },
    })
    const first = await queue.takeOne()
    expect(await queue.status(requestId, null)).toEqual({
      ...request.head,
      ...{ state: "processing", position: null, ...unstarted, startedAt: clock() },
    })
    clock.advance(300)
    const retried = settlement(first, "retry", { dueAt: clock() + 1000, finishedAt: clock() })
    await queue.settle([retried])
    expect(await queue.status(requestId, null)).toEqual({
      ...request.head,
      ...{ state: "scheduled", position: null, ...unstarted, startedAt: first.startedAt },
      ...{ scheduledAt: clock() + 1000, attempts: [retried.attempt], error: retried.result.error },
    })
    clock.advance(1000)
    const second = await queue.takeOne()
    expect(await queue.status(requestId, null)).toMatchObject({
      ...{ state: "processing", startedAt: clock(), error: retried.result.error, attempts: [{ number: 1 }] },
    })
    const completed = settlement(second, "completed")
    await queue.settle([completed])
    expect(await queue.status(requestId, null)).toEqual({
      ...request.head,
      ...{ state: "completed", position: null, replays: 0, startedAt: second.startedAt, finishedAt: clock() },
      ...{ attempts: [retried.attempt, completed.attempt], response: completed.result.response },
      ...{ usage: USAGE, costUsd: null, error: null, estimatedStartAt: null },
    })
  })

  test("position follows the line", async () => {
    const queue = open()
    const ids = await queue.enqueueEach({}, {}, { priority: "critical" }, { provider: "deepseek" })
    const positions = () => Promise.all(ids.map(async (id) => (await queue.status(id, null))?.position))
    expect(await positions()).toEqual([2, 3, 1, 1])
    await queue.cancel(ids[0] ?? "", null)
    await queue.takeOne()
    expect(await positions()).toEqual([null, 1, null, 1])
  })

  test("messages are shown on request, while they are kept", async () => {
    const queue = open()
    const ids = await queue.enqueueEach({ text: "one" }, { text: "two" }, { text: "three" }, { text: "four" })
    const messages = async (i: number) => {
      const status = await queue.status(ids[i] ?? "", null, { includeMessages: true })
      return status?.messages
    }
    const said = (content: string) => [{ role: "user", content }]
    expect(await messages(0)).toEqual(said("one"))
    const { requests } = await queue.take({ limit: 2 })
    expect(await messages(1)).toEqual(said("two"))
    await queue.settle(requests.map((each, i) => settlement(each, i === 0 ? "completed" : "failed")))
    await queue.cancel(ids[2] ?? "", null)
    expect(await Promise.all([0, 1, 2, 3].map(messages))).toEqual([null, said("two"), null, said("four")])
    expect(await queue.status(ids[3] ?? "", null)).not.toHaveProperty("messages")
  })

  test("is null for what is unknown, past its TTL or another organization's", async () => {
    const queue = open()
    const [id = "", finished = ""] = await queue.enqueueEach({}, { priority: "high" })
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    for (const each of [id, finished]) {
      expect(await queue.status(each, "org-2")).toBe(null)
      expect(await queue.status(each, "org-2", { includeMessages: true })).toBe(null)
      expect((await queue.status(each, "org-1"))?.requestId).toBe(each)
    }
    expect(await queue.status(queue.newRequest().head.requestId, null)).toBe(null)
    // The same id in another queue is another request.
    expect(await open().status(id, null)).toBe(null)
  })

  test("attempts on another target than asked for are shown as they were", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const settled = settlement(await queue.takeOne(), "completed")
    const attempt = settled.attempt && { ...settled.attempt, provider: "anthropic", model: "fallback" }
    await queue.settle([{ ...settled, attempt }])
    expect(await queue.status(id, null)).toMatchObject({
      ...{ provider: "openai", model: "gpt-test", attempts: [{ provider: "anthropic", model: "fallback" }] },
    })
  })
})
