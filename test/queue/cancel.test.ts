import { expect, test } from "vitest"
import { dayOf } from "../../src/queue/keys.ts"
import { completion, settlement, USAGE } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const CANCELLED = { kind: "cancelled", owner: null, attempt: 0, organizationId: "org-1", trace: "" } as const

describeQueue("cancel", ({ store, open, loseAnswerOf }) => {
  test("a pending request leaves its line, its prompt is deleted, its outcome is kept under the result TTL", async () => {
    const queue = open()
    const { keys, redis, clock } = queue
    const [id = "", next = ""] = await queue.enqueueEach({ resultTtlSeconds: 600 }, {})
    expect(await queue.cancel(id, null)).toEqual(CANCELLED)
    const expiresAt = clock() + 600_000
    expect(await redis.expireTime(keys.outcome(id))).toBe(Math.ceil(expiresAt / 1000))
    expect(await redis.zScore(keys.finished("cancelled", dayOf(expiresAt)), `${id}|org-1`)).toBe(expiresAt)
    expect(await redis.exists([keys.metadata(id), keys.body(id), keys.attempts(id)])).toBe(0)
    expect(await redis.zRange(keys.line("openai"), 0, -1)).toEqual([next])
    expect(await queue.status(id, null)).toMatchObject({
      ...{
        state: "cancelled",
        finishedAt: clock(),
        startedAt: null,
        attempts: [],
        error: null,
        response: null,
      },
    })
    expect(await queue.status(next, null)).toMatchObject({ state: "pending", position: 1 })
    expect((await queue.stats()).counts).toMatchObject({ pending: 1, cancelled: 1 })
  })

  test.each([60, 2_592_000])("an outcome with a TTL of %i s finds its index", async (resultTtlSeconds) => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({ resultTtlSeconds })
    await queue.cancel(id, null)
    expect((await queue.status(id, null))?.state).toBe("cancelled")
  })

  test("a scheduled request, by the caller or backing off", async () => {
    const queue = open()
    const now = queue.clock()
    const [delayed = "", retried = ""] = await queue.enqueueEach(
      { scheduledAt: now + 9000 },
      { deadlineAt: now + 9000 },
    )
    await queue.settle([settlement(await queue.takeOne(), "retry", { dueAt: now + 5000 })])
    expect(await queue.cancel(delayed, null)).toEqual(CANCELLED)
    expect(await queue.cancel(retried, null)).toEqual({ ...CANCELLED, attempt: 1 })
    expect(await queue.status(retried, null)).toMatchObject({
      state: "cancelled",
      attempts: [{ number: 1, result: "retry" }],
    })
    // Its history ends with it.
    expect(await queue.redis.ttl(queue.keys.attempts(retried))).toBeGreaterThan(86_000)
    queue.clock.advance(10_000)
    expect(await queue.take()).toMatchObject({ requests: [], overdue: [] })
  })

  test("a returned request's history ends with it too", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({ resultTtlSeconds: 600 })
    await queue.settle([settlement(await queue.takeOne(), "return")])
    await queue.cancel(id, null)
    const ttl = await queue.redis.ttl(queue.keys.attempts(id))
    expect(ttl).toBeGreaterThan(590)
    expect(ttl).toBeLessThanOrEqual(601)
  })

  test("a processing request tells who holds it, and the answer that comes later is not delivered", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const claimed = await queue.takeOne({ owner: "lane-2:99" })
    queue.clock.advance(700)
    expect(await queue.cancel(id, null)).toEqual({ ...CANCELLED, owner: "lane-2:99", attempt: 1 })
    expect(await queue.status(id, null)).toMatchObject({
      ...{ state: "cancelled", startedAt: claimed.startedAt, usage: null },
      attempts: [{ number: 1, result: "cancelled", possiblyBilled: true }],
    })
    expect((await queue.lookAtLeases([claimed.lease])).lost).toEqual([claimed.lease])
    const late = settlement(claimed, "completed", { response: completion("not to be delivered") })
    expect(await queue.settle([late])).toEqual(["noted"])
    expect(await queue.status(id, null)).toMatchObject({ state: "cancelled", response: null, usage: USAGE })
    expect((await queue.stats()).counts).toMatchObject({ processing: 0, cancelled: 1, completed: 0 })
  })

  test("again: the same; a lost answer too", async () => {
    const queue = open()
    const [id = "", lost = ""] = await queue.enqueueEach({}, {})
    await queue.cancel(id, null)
    const before = await queue.status(id, null)
    queue.clock.advance(1000)
    expect(await queue.cancel(id, null)).toEqual(CANCELLED)
    expect(await queue.status(id, null)).toEqual(before)
    loseAnswerOf("cancel")
    expect(await queue.cancel(lost, null)).toEqual(CANCELLED)
    expect((await queue.stats()).counts).toMatchObject({ pending: 0, cancelled: 2 })
  })

  test("a lost answer, and a repetition, still tell who was calling", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    await queue.takeOne({ owner: "lane-2:99" })
    loseAnswerOf("cancel")
    const held = { ...CANCELLED, owner: "lane-2:99", attempt: 1 }
    expect(await queue.cancel(id, null)).toEqual(held)
    expect(await queue.cancel(id, null)).toEqual(held)
  })

  test("what was done is noted in the audit, once", async () => {
    const queue = open()
    const [id = "", failed = ""] = await queue.enqueueEach({ priority: "low" }, {})
    await queue.settle([settlement(await queue.takeOne(), "failed")])
    const entry = (target: string) => ({
      ...{
        at: queue.clock(),
        action: "request.cancelled",
        keyId: "k1",
        organizationId: "org-1",
        target,
        ip: null,
      },
    })
    for (const [target, script] of [
      [id, "cancel"],
      [failed, "discard"],
    ] as const) {
      loseAnswerOf(script)
      await queue.cancel(target, null, entry(target))
      await queue.cancel(target, null, entry(target))
    }
    const entries = await queue.redis.xRange(queue.keys.audit, "-", "+")
    expect(entries?.map(({ message }) => JSON.parse(message.entry ?? ""))).toEqual([
      entry(id),
      { ...entry(failed), action: "request.discarded" },
    ])
  })

  test("a completed request stays as it is", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    const before = await queue.status(id, null)
    expect(await queue.cancel(id, null)).toEqual({ kind: "completed" })
    expect(await queue.status(id, null)).toEqual(before)
  })

  test("a dead letter is discarded, with all that it kept", async () => {
    const queue = open()
    const { keys, redis } = queue
    const [id = "", other = ""] = await queue.enqueueEach({}, {})
    const { requests } = await queue.take()
    await queue.settle(requests.map((each) => settlement(each, "failed")))
    expect(await queue.cancel(id, null)).toEqual({ kind: "discarded" })
    expect(await queue.status(id, null)).toBe(null)
    const left = await redis.exists([keys.outcome(id), keys.body(id), keys.attempts(id), keys.metadata(id)])
    expect(left).toBe(0)
    expect(await redis.zRange(keys.recent("org-1", dayOf(queue.clock())), 0, -1)).toEqual([other])
    expect((await queue.stats()).counts.failed).toBe(1)
    expect(await queue.cancel(id, null)).toEqual({ kind: "unknown" })
  })

  test.each(["cancel", "discard"] as const)(
    "a lost answer to %s of a dead letter still says discarded",
    async (script) => {
      const queue = open()
      const [id = ""] = await queue.enqueueEach({})
      await queue.settle([settlement(await queue.takeOne(), "failed")])
      loseAnswerOf(script)
      expect(await queue.cancel(id, null)).toEqual({ kind: "discarded" })
      expect(await queue.status(id, null)).toBe(null)
    },
  )

  test("a dead letter that is to be kept stays as it is, in one round trip", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    await queue.settle([settlement(await queue.takeOne(), "failed")])
    store().bridge.counters.reset()
    expect(await queue.cancel(id, null, undefined, "keep")).toEqual({ kind: "completed" })
    expect(store().bridge.counters.requests).toBe(1)
    expect(await queue.status(id, null)).toMatchObject({ state: "failed" })
    expect(await queue.replay(id, null, { deadlineAt: null })).toMatchObject({ kind: "replayed" })
  })

  test("an overdue request that was never called has no attempt to show", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({ deadlineAt: queue.clock() + 1000 })
    queue.clock.advance(1000)
    const { overdue } = await queue.take()
    // Nobody is calling, so there is nobody to tell.
    expect(await queue.cancel(id, null)).toEqual(CANCELLED)
    expect(await queue.status(id, null)).toMatchObject({ state: "cancelled", attempts: [], startedAt: null })
    expect(await queue.settle(overdue.map((each) => settlement(each, "failed")))).not.toEqual(["gone"])
    expect((await queue.status(id, null))?.state).toBe("cancelled")
  })

  test("another organization's request is unknown, live or finished", async () => {
    const queue = open()
    const ids = await queue.enqueueEach({}, {}, {})
    const { requests } = await queue.take({ limit: 2 })
    await queue.settle(requests.map((each, i) => settlement(each, i === 0 ? "completed" : "failed")))
    for (const id of ids) {
      expect(await queue.cancel(id, "org-2")).toEqual({ kind: "unknown" })
      expect(await queue.status(id, "org-1")).not.toBe(null)
    }
    const kinds = await Promise.all(ids.map(async (id) => (await queue.cancel(id, "org-1")).kind))
    expect(kinds).toEqual(["completed", "discarded", "cancelled"])
    expect(await queue.cancel(queue.newRequest().head.requestId, null)).toEqual({ kind: "unknown" })
  })

  test("in a line that this process does not know", async () => {
    const queue = open({ settings: { providers: ["local-llm"] } })
    const [id = ""] = await queue.enqueueEach({ provider: "local-llm" })
    const stranger = queue.sibling({ settings: { providers: ["openai"] } })
    expect(await stranger.cancel(id, null)).toEqual(CANCELLED)
    expect((await queue.take()).requests).toEqual([])
  })

  test("of many at once, each is cancelled once", async () => {
    const queue = open()
    const ids = await queue.enqueueEach(...Array.from({ length: 10 }, () => ({})))
    await Promise.all([...ids, ...ids].map((id) => queue.sibling().cancel(id, null)))
    expect((await queue.stats()).counts).toMatchObject({ pending: 0, cancelled: 10 })
  })
})
