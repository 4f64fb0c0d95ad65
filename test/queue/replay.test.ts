import { expect, test } from "vitest"
import { scriptSha } from "../../dev/script-sha.ts"
import { dayOf } from "../../src/queue/keys.ts"
import { scoreOf } from "../../src/queue/score.ts"
import { eventually } from "../helpers/eventually.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const SAME_DEADLINE = { deadlineAt: null }

/** Enqueues a request that fails after two attempts, and gives its id. */
async function deadLetter(queue: TestQueue, overrides: Parameters<TestQueue["newRequest"]>[0] = {}) {
  const [id = ""] = await queue.enqueueEach(overrides)
  await queue.settle([settlement(await queue.takeOne(), "retry", { dueAt: queue.clock(), code: "timeout" })])
  await queue.settle([settlement(await queue.takeOne(), "failed")])
  return id
}

describeQueue("replay", ({ open, loseAnswerOf, store }) => {
  test("puts a dead letter back in line: history goes on, retries and age start anew", async () => {
    const queue = open()
    const { keys, redis, clock } = queue
    const createdAt = clock()
    const id = await deadLetter(queue, { deadlineAt: createdAt + 10_000, priority: "high" })
    clock.advance(3_600_000)
    const reply = await queue.replay(id, null, SAME_DEADLINE)
    expect(reply).toMatchObject({
      kind: "replayed",
      reply: { requestId: id, state: "pending", position: 1, createdAt },
      head: { requestId: id, deadlineAt: null, createdAt, priority: "high" },
    })
    expect(await redis.zScore(keys.line("openai"), id)).toBe(scoreOf("high", clock(), 0, 60_000))
    expect(await queue.status(id, null, { includeMessages: true })).toMatchObject({
      ...{ state: "pending", position: 1, replays: 1, createdAt, deadlineAt: null, finishedAt: null },
      ...{ attempts: [{ number: 1 }, { number: 2 }], messages: [{ role: "user" }] },
    })
    expect(await redis.exists(keys.outcome(id))).toBe(0)
    expect((await queue.stats()).counts).toMatchObject({ pending: 1, failed: 0 })
    const third = await queue.takeOne()
    expect(third).toMatchObject({
      lease: { attempt: 3 },
      retries: 0,
      timeouts: 0,
      head: { deadlineAt: null },
    })
    await queue.settle([settlement(third, "completed")])
    expect(await queue.status(id, null)).toMatchObject({
      ...{ state: "completed", replays: 1 },
      attempts: [
        { number: 1, result: "retry" },
        { number: 2, result: "failed" },
        { number: 3, result: "completed" },
      ],
    })
  })

  test("of a request that fails at that very moment goes through", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const claimed = await queue.takeOne()
    // The look at its outcome finds none; the look at where else it is comes after it has failed.
    store().bridge.faults.inject({ fault: "delay", delayMs: 300, contains: scriptSha("status"), times: 1 })
    const replaying = queue.replay(id, null, SAME_DEADLINE)
    await eventually(() => store().bridge.faults.list()[0]?.fired === 1)
    await queue.settle([settlement(claimed, "failed")])
    expect(await replaying).toMatchObject({ kind: "replayed", reply: { state: "pending" } })
  })

  test("yields to nobody of its level that came after the replay, and to all that came before", async () => {
    const queue = open()
    const id = await deadLetter(queue)
    queue.clock.advance(60_000)
    const [before = ""] = await queue.enqueueEach({})
    queue.clock.advance(1)
    expect(await queue.replay(id, null, SAME_DEADLINE)).toMatchObject({ reply: { position: 2 } })
    queue.clock.advance(1)
    const [after = ""] = await queue.enqueueEach({})
    const { requests } = await queue.take()
    expect(requests.map(({ head }) => head.requestId)).toEqual([before, id, after])
  })

  test("a new deadline holds, the old one does not", async () => {
    const queue = open()
    const now = queue.clock()
    const id = await deadLetter(queue, { deadlineAt: now + 10_000 })
    queue.clock.advance(20_000)
    await queue.replay(id, null, { deadlineAt: now + 60_000 })
    expect((await queue.status(id, null))?.deadlineAt).toBe(now + 60_000)
    await queue.setPaused(null, true)
    expect((await queue.take()).overdue).toEqual([])
    queue.clock.set(now + 60_000)
    expect((await queue.take()).overdue).toMatchObject([{ reason: "deadline_exceeded" }])
  })

  test("its leases may be lost three times again", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    for (let i = 0; i < 3; i++) queue.clock.set((await queue.takeOne()).lease.expiresAt)
    const { overdue } = await queue.take()
    await queue.settle(overdue.map((each) => settlement(each, "failed")))
    await queue.replay(id, null, SAME_DEADLINE)
    for (let i = 0; i < 3; i++) queue.clock.set((await queue.takeOne()).lease.expiresAt)
    expect((await queue.take()).overdue).toMatchObject([{ reason: "lease_expired", lease: { attempt: 6 } }])
    expect((await queue.status(id, null))?.attempts.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test("a second failure is a dead letter that can be replayed again", async () => {
    const queue = open()
    const id = await deadLetter(queue)
    for (let replays = 1; replays <= 3; replays++) {
      expect((await queue.replay(id, null, SAME_DEADLINE)).kind).toBe("replayed")
      const claimed = await queue.takeOne()
      expect(claimed.lease.attempt).toBe(2 + replays)
      await queue.settle([settlement(claimed, "failed")])
      expect(await queue.status(id, null)).toMatchObject({ state: "failed", replays })
    }
    const { keys, redis } = queue
    expect(await redis.ttl(keys.body(id))).toBeGreaterThan(1_209_500)
    expect(await redis.ttl(keys.attempts(id))).toBeGreaterThan(1_209_500)
  })

  test("what was kept under a TTL lives on without one, and stays in its organization's list", async () => {
    const queue = open()
    const { keys, redis } = queue
    const id = await deadLetter(queue)
    const enqueuedOn = dayOf(queue.clock())
    queue.clock.advance(5 * 86_400_000)
    await queue.replay(id, null, SAME_DEADLINE)
    expect(await redis.ttl(keys.body(id))).toBe(-1)
    expect(await redis.ttl(keys.attempts(id))).toBe(-1)
    expect(await redis.expireTime(keys.recent("org-1", enqueuedOn))).toBe((enqueuedOn + 5 + 62) * 86_400)
    const page = await queue.list({ state: null, organizationId: "org-1", limit: 5, cursor: null })
    expect(page.data.map(({ requestId }) => requestId)).toEqual([id])
  })

  test.each([1, 2])("%i lost answers replay once", async (times) => {
    const queue = open()
    const id = await deadLetter(queue)
    loseAnswerOf("replay", times)
    expect(await queue.replay(id, null, SAME_DEADLINE)).toMatchObject({
      kind: "replayed",
      reply: { requestId: id, state: "pending", position: 1 },
    })
    expect(await queue.status(id, null)).toMatchObject({ state: "pending", replays: 1 })
  })

  test("is noted in the audit, once", async () => {
    const queue = open()
    const id = await deadLetter(queue)
    const entry = {
      ...{
        at: queue.clock(),
        action: "request.replayed",
        keyId: "k1",
        organizationId: "org-1",
        target: id,
        ip: null,
      },
    }
    loseAnswerOf("replay")
    await queue.replay(id, null, SAME_DEADLINE, entry)
    await queue.replay(id, null, SAME_DEADLINE, entry)
    const entries = await queue.redis.xRange(queue.keys.audit, "-", "+")
    expect(entries?.map(({ message }) => JSON.parse(message.entry ?? ""))).toEqual([entry])
  })

  test("of many at once it happens once", async () => {
    const queue = open()
    const id = await deadLetter(queue)
    const replies = await Promise.all(
      Array.from({ length: 6 }, () => queue.sibling().replay(id, null, SAME_DEADLINE)),
    )
    expect(replies.some(({ kind }) => kind === "replayed")).toBe(true)
    expect(await queue.status(id, null)).toMatchObject({ state: "pending", position: 1, replays: 1 })
  })

  test("of two at once with other deadlines one holds, and the other is told so", async () => {
    const queue = open()
    const id = await deadLetter(queue)
    const deadlines = [queue.clock() + 60_000, queue.clock() + 90_000]
    const replies = await Promise.all(
      deadlines.map((deadlineAt) => queue.sibling().replay(id, null, { deadlineAt })),
    )
    expect(replies.map(({ kind }) => kind).sort()).toEqual(["conflict", "replayed"])
    const winner = deadlines[replies.findIndex(({ kind }) => kind === "replayed")]
    expect(await queue.status(id, null)).toMatchObject({ replays: 1, deadlineAt: winner })
  })

  test("only what failed can be replayed", async () => {
    const queue = open()
    const states = ["scheduled", "pending", "processing", "completed", "cancelled"] as const
    const [scheduled = "", completed = "", processing = "", cancelled = "", pending = ""] =
      await queue.enqueueEach({ scheduledAt: queue.clock() + 1000 }, {}, {}, {}, {})
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    await queue.takeOne()
    await queue.cancel(cancelled, null)
    for (const [i, id] of [scheduled, pending, processing, completed, cancelled].entries()) {
      expect(await queue.replay(id, null, SAME_DEADLINE)).toEqual({ kind: "conflict", state: states[i] })
    }
    const unknown = queue.newRequest().head.requestId
    expect(await queue.replay(unknown, null, SAME_DEADLINE)).toEqual({ kind: "unknown" })
  })

  test("another organization's dead letter is unknown", async () => {
    const queue = open()
    const id = await deadLetter(queue, { organizationId: "org-3" })
    expect(await queue.replay(id, "org-4", SAME_DEADLINE)).toEqual({ kind: "unknown" })
    expect((await queue.status(id, null))?.state).toBe("failed")
    expect((await queue.replay(id, "org-3", SAME_DEADLINE)).kind).toBe("replayed")
  })

  test("without its messages it stays a dead letter, and says why", async () => {
    const queue = open()
    const id = await deadLetter(queue)
    await queue.redis.del(queue.keys.body(id))
    await expect(queue.replay(id, null, SAME_DEADLINE)).rejects.toMatchObject({
      code: "conflict",
      status: 409,
    })
    expect(await queue.status(id, null)).toMatchObject({ state: "failed", replays: 0 })
  })

  test("in a line that this process does not know", async () => {
    const queue = open({ settings: { providers: ["local-llm"] } })
    const id = await deadLetter(queue, { provider: "local-llm" })
    const stranger = queue.sibling({ settings: { providers: ["openai"] } })
    expect(await stranger.replay(id, null, SAME_DEADLINE)).toMatchObject({ kind: "replayed" })
    expect((await queue.takeOne()).lease.requestId).toBe(id)
  })
})
