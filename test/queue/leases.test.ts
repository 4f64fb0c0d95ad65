import { expect, test } from "vitest"
import { decodeRecord } from "../../src/queue/record.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

/** Claims the only request, and lets its lease run out. */
async function lose(queue: TestQueue) {
  const claimed = await queue.takeOne()
  queue.clock.set(claimed.lease.expiresAt)
  return claimed
}

describeQueue("lost leases", ({ open, loseAnswerOf }) => {
  test("a lease that runs out returns its request to the line, and is no retry", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const lost = await lose(queue)
    const again = await queue.takeOne()
    expect(again.lease).toMatchObject({ requestId: id, attempt: 2 })
    expect(again.lease.op).not.toBe(lost.lease.op)
    expect(again).toMatchObject({ retries: 0, timeouts: 0 })
    expect((await queue.status(id, null))?.attempts).toMatchObject([
      {
        ...{ number: 1, result: "lease_expired", provider: "openai", model: "gpt-test", status: null },
        ...{ startedAt: lost.startedAt, finishedAt: lost.lease.expiresAt, possiblyBilled: true },
        error: { code: "lease_expired", retryable: true },
      },
    ])
  })

  test("a lease is held until its last millisecond", async () => {
    const queue = open()
    await queue.enqueueEach({})
    const { lease } = await queue.takeOne()
    queue.clock.set(lease.expiresAt - 1)
    expect(await queue.take()).toMatchObject({ requests: [], wakeAt: lease.expiresAt })
    queue.clock.advance(1)
    expect((await queue.take()).requests).toHaveLength(1)
  })

  test("the third lost lease makes it overdue, and settled as failed it is a dead letter", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({ maxRetries: 10 })
    for (let i = 0; i < 3; i++) await lose(queue)
    const { requests, overdue } = await queue.take()
    expect(requests).toEqual([])
    expect(overdue).toMatchObject([{ reason: "lease_expired", lease: { requestId: id, attempt: 3 } }])
    const [only] = overdue
    if (only === undefined) throw new Error("not overdue")
    expect(only.lease.expiresAt).toBe(queue.clock() + 30_000)
    expect(await queue.settle([settlement(only, "failed")])).toEqual(["settled"])
    expect(await queue.status(id, null)).toMatchObject({
      ...{ state: "failed", error: { code: "lease_expired" }, finishedAt: queue.clock() },
      attempts: [1, 2, 3].map((number) => ({ number, result: "lease_expired", possiblyBilled: true })),
    })
    expect((await queue.stats()).counts).toMatchObject({ processing: 0, failed: 1 })
  })

  test("who is told of an overdue request and dies is followed by another after 30 s", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    for (let i = 0; i < 3; i++) await lose(queue)
    expect((await queue.take()).overdue).toHaveLength(1)
    queue.clock.advance(29_999)
    expect((await queue.take({ owner: "other" })).overdue).toEqual([])
    queue.clock.advance(1)
    const { overdue } = await queue.take({ owner: "other" })
    expect(overdue).toMatchObject([{ reason: "lease_expired", lease: { requestId: id, attempt: 3 } }])
    await queue.settle(overdue.map((each) => settlement(each, "failed")))
    // The lease that is held while it is overdue is no lost one.
    expect((await queue.status(id, null))?.attempts).toHaveLength(3)
  })

  test("a lost answer hides an overdue request for no longer than its 30 s", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    for (let i = 0; i < 3; i++) await lose(queue)
    loseAnswerOf("claim")
    const first = await queue.take()
    queue.clock.advance(30_000)
    const second = await queue.take()
    expect([...first.overdue, ...second.overdue].map(({ lease }) => lease.requestId)).toContain(id)
  })

  test("hundreds of lost leases return, however many a single claim sees to", async () => {
    const queue = open()
    const requests = Array.from({ length: 450 }, () => queue.newRequest())
    await queue.enqueue(requests)
    const { wakeAt } = await queue.take({ limit: 450 })
    queue.clock.set(wakeAt ?? 0)
    for (let claims = 0; claims < 3; claims++) {
      const { wakeAt: next } = await queue.take({ limit: 0 })
      // Until all have returned, the next claim is due at once.
      if (claims < 2) expect(next).toBeLessThanOrEqual(queue.clock())
    }
    expect((await queue.stats()).counts).toMatchObject({ pending: 450, processing: 0 })
  })

  test("a lease that is lost after the deadline is not tried again", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({ deadlineAt: queue.clock() + 20_000 })
    await lose(queue)
    const { requests, overdue } = await queue.take()
    expect(requests).toEqual([])
    expect(overdue).toMatchObject([{ reason: "deadline_exceeded", lease: { requestId: id } }])
    await queue.settle(overdue.map((each) => settlement(each, "failed")))
    expect(await queue.status(id, null)).toMatchObject({
      ...{ state: "failed", error: { code: "deadline_exceeded" } },
      attempts: [{ number: 1, result: "lease_expired" }],
    })
  })

  test("a lost lease of a line that this process does not know returns too", async () => {
    const queue = open({ settings: { providers: ["local-llm"] } })
    const stranger = queue.sibling({ settings: { providers: ["openai"] } })
    const [id = ""] = await queue.enqueueEach({ provider: "local-llm" })
    queue.clock.set((await queue.takeOne()).lease.expiresAt)
    expect(await stranger.take()).toMatchObject({ requests: [], remaining: 0 })
    expect((await stranger.status(id, null))?.state).toBe("pending")
  })
})

describeQueue("extend and lookAtLeases", ({ open, loseAnswerOf }) => {
  test("a lease that is held is moved, and the request stays with its holder", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const { lease } = await queue.takeOne()
    loseAnswerOf("extend")
    expect(await queue.extend(lease, lease.expiresAt + 60_000)).toBe(true)
    expect(await queue.redis.zScore(queue.keys.leases("openai"), id)).toBe(lease.expiresAt + 60_000)
    queue.clock.set(lease.expiresAt + 59_999)
    expect((await queue.take()).requests).toEqual([])
    queue.clock.advance(1)
    expect((await queue.take()).requests).toHaveLength(1)
  })

  test("a lease that is no longer held is not moved, and is told as lost", async () => {
    const queue = open()
    const names = ["held", "settled", "cancelled", "released", "expired"] as const
    const ids = await queue.enqueueEach(...names.map(() => ({})))
    const { requests } = await queue.take()
    const [held, settled, cancelled, released, expired] = requests
    if (!held || !settled || !cancelled || !released || !expired) throw new Error("not all were claimed")
    const leases = requests.map(({ lease }) => lease)
    expect((await queue.lookAtLeases(leases)).lost).toEqual([])
    await queue.settle([settlement(settled, "completed"), settlement(released, "release")])
    await queue.cancel(cancelled.lease.requestId, null)
    // Taken over: the same attempt number under another op must not pass for the old lease.
    const [takenOver] = (await queue.take()).requests
    expect(takenOver?.lease).toMatchObject({ requestId: released.lease.requestId, attempt: 1 })
    await queue.extend(held.lease, held.lease.expiresAt + 100_000)
    queue.clock.set(expired.lease.expiresAt)
    await queue.take({ limit: 0 })
    const { lost } = await queue.lookAtLeases(leases)
    expect(lost.map(({ requestId }) => names[ids.indexOf(requestId)])).toEqual(names.slice(1))
    for (const lease of lost) expect(await queue.extend(lease, lease.expiresAt + 1)).toBe(false)
    expect(await queue.extend(held.lease, held.lease.expiresAt + 200_000)).toBe(true)
    expect((await queue.lookAtLeases([])).lost).toEqual([])
    const record = decodeRecord((await queue.redis.hGet(queue.keys.live, released.lease.requestId)) ?? "")
    expect(record).toMatchObject({ attempt: 1, lost: 1 })
  })
})
