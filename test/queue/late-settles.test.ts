import { expect, test } from "vitest"
import type { ClaimedRequest } from "../../src/queue/contract.ts"
import { dayOf } from "../../src/queue/keys.ts"
import { eventually } from "../helpers/eventually.ts"
import { completion, settlement, type TestQueue, USAGE } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

/**
 * The table of the delivery promises: what a settlement of attempt 1 does, by where its request is when it comes.
 * Each scene claims a request once, and takes it somewhere else behind the claimer's back.
 */
const PLACES: Record<string, (queue: TestQueue, first: ClaimedRequest) => Promise<void>> = {
  "leased with another number": async (queue, first) => {
    queue.clock.set(first.lease.expiresAt)
    await queue.takeOne({ owner: "second" })
  },
  pending: async (queue, first) => {
    queue.clock.set(first.lease.expiresAt)
    await queue.take({ limit: 0 })
  },
  scheduled: async (queue, first) => {
    queue.clock.set(first.lease.expiresAt)
    const second = await queue.takeOne({ owner: "second" })
    await queue.settle([settlement(second, "retry", { dueAt: queue.clock() + 60_000 })])
  },
  "failed by lost leases": async (queue, first) => {
    queue.clock.set(first.lease.expiresAt)
    for (let lost = 1; lost < 3; lost++) queue.clock.set((await queue.takeOne()).lease.expiresAt)
    const { overdue } = await queue.take()
    await queue.settle(overdue.map((each) => settlement(each, "failed")))
  },
  "failed otherwise": async (queue, first) => {
    queue.clock.set(first.lease.expiresAt)
    await queue.settle([settlement(await queue.takeOne(), "failed", { code: "provider_rejected" })])
  },
  completed: async (queue, first) => {
    queue.clock.set(first.lease.expiresAt)
    const second = await queue.takeOne()
    await queue.settle([settlement(second, "completed", { response: completion("the second answer") })])
  },
  cancelled: async (queue, first) => {
    await queue.cancel(first.lease.requestId, null)
  },
}

describeQueue("a late settlement", ({ open, store, loseAnswerOf }) => {
  /** A request that was claimed once and is somewhere else now. */
  async function scene(place: string) {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const first = await queue.takeOne({ owner: "first" })
    await PLACES[place]?.(queue, first)
    queue.clock.advance(1000)
    const before = await queue.status(id, null)
    return { queue, id, first, before }
  }

  test.each(["leased with another number", "pending", "scheduled", "failed by lost leases"])(
    "of a success completes what is %s",
    async (place) => {
      const { queue, id, first } = await scene(place)
      loseAnswerOf("settle")
      const settled = settlement(first, "completed")
      expect(await queue.settle([settled])).toEqual(["settled"])
      expect(await queue.status(id, null)).toMatchObject({
        ...{ state: "completed", response: settled.result.response, usage: USAGE, error: null },
        finishedAt: queue.clock(),
      })
      expect((await queue.stats()).counts).toEqual({
        ...{ scheduled: 0, pending: 0, processing: 0, completed: 1, failed: 0, cancelled: 0 },
      })
      expect(await queue.take()).toMatchObject({ requests: [], overdue: [] })
    },
  )

  test("of a success shows every attempt there was, the winner among them", async () => {
    const { queue, id, first } = await scene("scheduled")
    await queue.settle([settlement(first, "completed")])
    expect((await queue.status(id, null))?.attempts).toMatchObject([
      { number: 1, result: "completed", error: null },
      { number: 2, result: "retry" },
    ])
  })

  test("of a success revokes the newer lease, whose own word is only noted", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const first = await queue.takeOne()
    queue.clock.set(first.lease.expiresAt)
    const second = await queue.takeOne()
    await queue.settle([settlement(first, "completed", { response: completion("first") })])
    expect((await queue.lookAtLeases([second.lease])).lost).toEqual([second.lease])
    const late = settlement(second, "completed", { response: completion("second") })
    expect(await queue.settle([late])).toEqual(["noted"])
    expect(await queue.status(id, null)).toMatchObject({
      state: "completed",
      response: completion("first"),
      attempts: [
        { number: 1, result: "completed" },
        { number: 2, result: "completed" },
      ],
    })
  })

  test("of a success moves the index from failed to completed, and drops what the dead letter kept", async () => {
    const { queue, id, first } = await scene("failed by lost leases")
    const { keys, redis, clock } = queue
    const failedIndex = keys.finished("failed", dayOf(clock() + 1_209_600_000))
    expect(await redis.zCard(failedIndex)).toBe(1)
    await queue.settle([settlement(first, "completed")])
    expect(await redis.exists([failedIndex, keys.body(id)])).toBe(0)
    expect(await redis.zCard(keys.finished("completed", dayOf(clock() + 86_400_000)))).toBe(1)
    expect(await redis.hGetAll(keys.meta)).toMatchObject({ "kept:failed": "", load: "0", "live:org-1": "0" })
    expect((await queue.status(id, null))?.attempts).toMatchObject([
      { number: 1, result: "completed" },
      { number: 2, result: "lease_expired" },
      { number: 3, result: "lease_expired" },
    ])
    expect(await queue.replay(id, null, { deadlineAt: null })).toEqual({
      kind: "conflict",
      state: "completed",
    })
  })

  test("of a success that travels a second time finds what another process has settled in between", async () => {
    const { queue, id, first } = await scene("failed by lost leases")
    const [other = ""] = await queue.enqueueEach({})
    const onTime = await queue.takeOne()
    const { faults } = store().bridge
    // The list that the failure is in is named only the second time.
    faults.inject({ fault: "delay", delayMs: 1500, contains: "failed:", times: 1 })
    const held = queue.settle([settlement(onTime, "completed"), settlement(first, "completed")])
    await eventually(() => faults.list()[0]?.fired === 1)
    expect((await queue.status(other, null))?.state).toBe("completed")
    const second = { ...first, lease: { ...first.lease, attempt: 2 } }
    expect(await queue.settle([settlement(second, "completed")])).toEqual(["settled"])
    expect(await held).toEqual(["settled", "noted"])
    expect((await queue.status(id, null))?.attempts).toMatchObject([
      { number: 1, result: "completed" },
      { number: 2, result: "completed" },
      { number: 3, result: "lease_expired" },
    ])
  })

  test("revives several dead letters of one group, beside settlements that are on time", async () => {
    const queue = open()
    await queue.enqueueEach({}, {})
    const { requests: first } = await queue.take()
    for (let lost = 0; lost < 2; lost++) {
      queue.clock.set((await queue.take({ limit: 0 })).wakeAt ?? 0)
      await queue.take()
    }
    queue.clock.set((await queue.take({ limit: 0 })).wakeAt ?? 0)
    const { overdue } = await queue.take()
    expect(overdue).toHaveLength(2)
    await queue.settle(overdue.map((each) => settlement(each, "failed")))
    await queue.enqueueEach({})
    const fresh = await queue.takeOne()
    const replies = await queue.settle([...first, fresh].map((each) => settlement(each, "completed")))
    expect(replies).toEqual(["settled", "settled", "settled"])
    expect((await queue.stats()).counts).toMatchObject({ completed: 3, failed: 0 })
  })

  test.each(["failed otherwise", "completed", "cancelled"])(
    "of a success changes nothing of what is %s, and its cost is noted",
    async (place) => {
      const { queue, id, first, before } = await scene(place)
      const late = settlement(first, "completed", { response: completion("too late") })
      loseAnswerOf("settle")
      const [reply] = await queue.settle([late])
      expect(["noted", "settled"]).toContain(reply)
      const after = await queue.status(id, null)
      expect(after).toMatchObject({
        state: before?.state,
        finishedAt: before?.finishedAt,
        error: before?.error,
      })
      expect(after?.response).toEqual(before?.response)
      expect(after?.attempts).toContainEqual(late.attempt)
      expect(JSON.stringify(after)).not.toContain("too late")
      const stored = await queue.redis.hGet(queue.keys.attempts(id), "1")
      expect(JSON.parse(stored ?? "null")).toMatchObject({ usage: USAGE })
    },
  )

  test.each(Object.keys(PLACES))("of an error changes nothing of what is %s", async (place) => {
    for (const kind of ["retry", "failed", "return"] as const) {
      const { queue, id, first, before } = await scene(place)
      const late = settlement(first, kind, { code: "timeout", usage: USAGE })
      expect(await queue.settle([late])).toEqual(["noted"])
      const after = await queue.status(id, null)
      const ignored = { attempts: [], error: null, usage: null }
      expect({ ...after, ...ignored }).toEqual({ ...before, ...ignored })
      // What it came to is in the history, once, in place of the lease that seemed lost.
      expect(after?.attempts.filter(({ number }) => number === 1)).toEqual([late.attempt])
      expect(after?.attempts).toHaveLength(Math.max(before?.attempts.length ?? 0, 1))
      const repeated = await queue.settle([late])
      expect(repeated).not.toEqual(["gone"])
      expect(await queue.status(id, null)).toEqual(after)
    }
  })

  test("of a release does nothing, wherever its request is", async () => {
    for (const place of Object.keys(PLACES)) {
      const { queue, id, first, before } = await scene(place)
      expect(await queue.settle([settlement(first, "release")])).not.toEqual(["gone"])
      expect(await queue.status(id, null)).toEqual(before)
    }
  })

  test("of what is past its TTL is gone", async () => {
    const { queue, id, first } = await scene("cancelled")
    await queue.redis.del([queue.keys.outcome(id), queue.keys.attempts(id)])
    queue.clock.advance(86_400_000)
    expect(await queue.settle([settlement(first, "completed")])).toEqual(["gone"])
    expect(await queue.redis.exists(queue.keys.attempts(id))).toBe(0)
  })

  test("of an error is noted though the claimer has failed the request as overdue", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    for (let lost = 0; lost < 2; lost++) queue.clock.set((await queue.takeOne()).lease.expiresAt)
    const last = await queue.takeOne()
    queue.clock.set(last.lease.expiresAt)
    const { overdue } = await queue.take()
    await queue.settle(overdue.map((each) => settlement(each, "failed")))
    const late = settlement(last, "failed", { code: "timeout" })
    expect(await queue.settle([late])).toEqual(["noted"])
    const status = await queue.status(id, null)
    expect(status).toMatchObject({ state: "failed", error: { code: "lease_expired" } })
    expect(status?.attempts.at(-1)).toEqual(late.attempt)
  })

  test.each(["retry", "return"] as const)(
    "that repeats a %s does nothing, though the deadline has passed since",
    async (kind) => {
      const queue = open()
      const [id = ""] = await queue.enqueueEach({ deadlineAt: queue.clock() + 2000 })
      const settled = settlement(await queue.takeOne(), kind, { dueAt: queue.clock() + 1000 })
      await queue.settle([settled])
      queue.clock.advance(3000)
      const { overdue } = await queue.take()
      expect(overdue).toHaveLength(1)
      const before = await queue.status(id, null)
      expect(await queue.settle([settled])).toEqual(["settled"])
      expect(await queue.status(id, null)).toEqual(before)
      await queue.settle(overdue.map((each) => settlement(each, "failed")))
      expect(await queue.status(id, null)).toMatchObject({
        state: "failed",
        error: { code: "deadline_exceeded" },
      })
    },
  )

  test("that revives a request leaves the counts of its organization right, beside others of the group", async () => {
    const { queue, first } = await scene("failed by lost leases")
    await queue.enqueueEach({}, {})
    const { requests } = await queue.take()
    const [other] = requests
    if (other === undefined) throw new Error("nothing was claimed")
    await queue.settle([settlement(other, "completed"), settlement(first, "completed")])
    expect(await queue.redis.hGetAll(queue.keys.meta)).toMatchObject({ load: "1", "live:org-1": "1" })
  })

  test("of an earlier attempt after a replay completes the replayed request", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const first = await queue.takeOne()
    queue.clock.set(first.lease.expiresAt)
    await queue.settle([settlement(await queue.takeOne(), "failed", { code: "provider_rejected" })])
    await queue.replay(id, null, { deadlineAt: null })
    expect(await queue.settle([settlement(first, "completed")])).toEqual(["settled"])
    expect(await queue.status(id, null)).toMatchObject({ state: "completed", replays: 1 })
  })
})

describeQueue("a settlement on time", ({ open }) => {
  test.each([
    ["completed", "completed"],
    ["retry", "scheduled"],
    ["failed", "failed"],
    ["return", "pending"],
  ] as const)("of attempt 2 as %s is decided", async (kind, state) => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    await queue.settle([settlement(await queue.takeOne(), "return")])
    const second = await queue.takeOne()
    expect(await queue.settle([settlement(second, kind)])).toEqual(["settled"])
    const status = await queue.status(id, null)
    expect(status).toMatchObject({ state, attempts: [{ number: 1 }, { number: 2 }] })
  })

  test("late successes between failures leave the failures an index that ends", async () => {
    const queue = open({ settings: { deadLetterTtlSeconds: 86_400 } })
    await queue.enqueueEach({ metadata: { k: "v" } }, {})
    const [one, other] = (await queue.take()).requests
    for (let lost = 1; lost <= 3; lost++) {
      queue.clock.set((one?.lease.expiresAt ?? 0) + lost * 95_000)
      const { overdue } = await queue.take()
      await queue.settle(overdue.map((each) => settlement(each, "failed")))
    }
    expect((await queue.stats()).counts.failed).toBe(2)
    await queue.enqueueEach({}, {})
    const [third, fourth] = (await queue.take()).requests
    if (!one || !other || !third || !fourth) throw new Error("not all were claimed")
    await queue.settle([
      ...[settlement(one, "completed"), settlement(third, "failed")],
      ...[settlement(other, "completed"), settlement(fourth, "failed")],
    ])
    expect((await queue.stats()).counts).toMatchObject({ failed: 2, completed: 2 })
    const index = queue.keys.finished("failed", dayOf(queue.clock() + 86_400_000))
    expect(await queue.redis.ttl(index)).toBeGreaterThan(0)
    expect(await queue.status(one.lease.requestId, null)).toMatchObject({ metadata: { k: "v" } })
  })
})
