import { expect, test } from "vitest"
import { decodeRecord } from "../../src/queue/record.ts"
import { settlement } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

/** Beyond the longer of maxProcessingTimeMs and the request's timeout. */
const LEASE_MARGIN_MS = 35_000

describeQueue("claim", ({ open, loseAnswerOf, store }) => {
  test("moves a request from its line to its provider's leases, and hands out all that a call needs", async () => {
    const queue = open()
    const { keys, redis, clock } = queue
    const request = queue.newRequest({ priority: "low" })
    const { requestId } = request.head
    await queue.enqueue([request])
    clock.advance(1500)
    const now = clock()
    const claim = await queue.take({ owner: "lane-3:17" })
    const [claimed] = claim.requests
    const expiresAt = now + 60_000 + LEASE_MARGIN_MS
    expect(claimed).toEqual({
      lease: {
        requestId,
        attempt: 1,
        op: expect.stringMatching(/^[0-9a-f]{16}\.\d+$/),
        ...{ expiresAt, organizationId: "org-1", resultTtlSeconds: 86_400, trace: "" },
      },
      ...request,
      ...{ target: { provider: "openai", model: "gpt-test" }, hasAlternative: false },
      ...{ retries: 0, timeouts: 0, watchedUntil: 0, startedAt: now, dueAt: now - 1500 },
    })
    expect(claim).toMatchObject({ overdue: [], wakeAt: expiresAt, remaining: 0, maintenanceDue: false })
    expect(await redis.zRange(keys.line("openai"), 0, -1)).toEqual([])
    expect(await redis.zScore(keys.leases("openai"), requestId)).toBe(expiresAt)
    expect(decodeRecord((await redis.hGet(keys.live, requestId)) ?? "")).toMatchObject({
      ...{ attempt: 1, startedAt: now, owner: "lane-3:17", op: claimed?.lease.op, provider: "openai" },
      ...{ retries: 0, lost: 0, dueAt: now - 1500, effectiveAt: now - 1500 },
    })
    expect(await redis.hGetAll(keys.meta)).toMatchObject({ "pending:openai": "0 0 0 0", load: "1" })
  })

  test("a lease lasts the longer of the processing time and the request's own timeout, plus a margin", async () => {
    const queue = open({ settings: { maxProcessingTimeMs: 20_000 } })
    await queue.enqueueEach({ timeoutMs: 10_000 }, { timeoutMs: 600_000 })
    const leases = (await queue.take()).requests.map(({ lease }) => lease.expiresAt - queue.clock())
    expect(leases).toEqual([20_000 + LEASE_MARGIN_MS, 600_000 + LEASE_MARGIN_MS])
  })

  test("an empty queue gives nothing and knows of nothing to come", async () => {
    const queue = open()
    expect(await queue.take()).toEqual({
      ...{ requests: [], overdue: [], wakeAt: null, remaining: 0, maintenanceDue: false },
      ...{ choresDue: false, rollDue: false },
    })
  })

  test("several lines are one: the best score goes first, whichever line it waits in", async () => {
    const queue = open()
    const asks = [
      { provider: "openai", priority: "normal" },
      { provider: "anthropic", priority: "critical" },
      { provider: "deepseek", priority: "high" },
      { provider: "anthropic", priority: "low" },
      { provider: "openai", priority: "critical" },
      { provider: "deepseek", priority: "normal" },
    ] as const
    const ids: string[] = []
    for (const ask of asks) {
      ids.push(...(await queue.enqueueEach(ask)))
      queue.clock.advance(5)
    }
    const claimed = (await queue.take()).requests.map(({ head }) => ids.indexOf(head.requestId))
    expect(claimed).toEqual([1, 4, 2, 0, 5, 3])
  })

  test("critical before high before normal before low, the oldest first in each, however they came", async () => {
    const queue = open()
    const order = ["critical", "high", "normal", "low"] as const
    const asked = Array.from({ length: 40 }, (_, i) => order[(i * 7 + (i >> 2)) % 4] ?? "low")
    const ids: string[] = []
    for (const priority of asked) {
      ids.push(...(await queue.enqueueEach({ priority })))
      queue.clock.advance(1)
    }
    const expected = order.flatMap((priority) => ids.filter((_, i) => asked[i] === priority))
    const claimed: string[] = []
    for (let i = 0; i < 40; i++) claimed.push((await queue.takeOne()).head.requestId)
    expect(claimed).toEqual(expected)
  })

  test("the limit holds, and what remains is told", async () => {
    const queue = open()
    await queue.enqueueEach({}, {}, { provider: "anthropic" }, {}, { provider: "deepseek" })
    const first = await queue.take({ limit: 2 })
    expect(first.requests).toHaveLength(2)
    expect(first.remaining).toBe(3)
    const rest = await queue.take({ limit: 50 })
    expect(rest.requests).toHaveLength(3)
    expect(rest.remaining).toBe(0)
  })

  test("a limit of 0 claims nothing, and still does what time demands", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({ scheduledAt: queue.clock() + 1000 })
    expect(await queue.take({ limit: 0 })).toMatchObject({ requests: [], wakeAt: queue.clock() + 1000 })
    queue.clock.advance(1000)
    expect(await queue.take({ limit: 0 })).toMatchObject({ requests: [], remaining: 1 })
    expect((await queue.status(id, null))?.state).toBe("pending")
  })

  test("bodies are claimed up to a number of bytes, but always one", async () => {
    const queue = open()
    const ids = await queue.enqueueEach(...Array.from({ length: 4 }, () => ({ text: "é".repeat(1000) })))
    const claim = async (maxBytes: number) =>
      (await queue.take({ maxBytes })).requests.map(({ head }) => ids.indexOf(head.requestId))
    // Each body has somewhat more than 2,000 bytes.
    expect(await claim(100)).toEqual([0])
    expect(await claim(4400)).toEqual([1, 2])
    expect(await claim(4400)).toEqual([3])
  })

  test("a request that would take longer than there is time stays, the shorter ones behind it do not", async () => {
    const queue = open()
    const [long = "", short = ""] = await queue.enqueueEach({ timeoutMs: 300_000 }, { timeoutMs: 60_000 })
    const { requests } = await queue.take({ maxTimeoutMs: 60_000 })
    expect(requests.map(({ head }) => head.requestId)).toEqual([short])
    expect(await queue.status(long, null)).toMatchObject({ state: "pending", position: 1, attempts: [] })
    expect((await queue.takeOne({ maxTimeoutMs: 300_000 })).head.requestId).toBe(long)
  })

  test("a lost answer leases nothing to nobody: the same requests are handed out again", async () => {
    const queue = open()
    const ids = await queue.enqueueEach({}, { provider: "anthropic" }, {}, {})
    loseAnswerOf("claim", 2)
    const { requests } = await queue.take({ limit: 3 })
    expect(requests.map(({ head }) => head.requestId).sort()).toEqual(ids.slice(0, 3))
    expect(requests.map(({ lease }) => lease.attempt)).toEqual([1, 1, 1])
    expect((await queue.stats()).counts).toMatchObject({ pending: 1, processing: 3 })
    const expiries = await Promise.all(
      requests.map(({ head }) => queue.redis.zScore(queue.keys.leases(head.provider), head.requestId)),
    )
    expect(expiries).toEqual(requests.map(({ lease }) => lease.expiresAt))
  })

  test("a lost answer with another drain's claim in between", async () => {
    const queue = open()
    const ids = await queue.enqueueEach({}, {}, {})
    const other = queue.sibling()
    loseAnswerOf("claim")
    const [first, second] = await Promise.all([
      queue.take({ owner: "a", limit: 2 }),
      other.take({ owner: "b", limit: 2 }),
    ])
    const claimed = [...first.requests, ...second.requests].map(({ head }) => head.requestId)
    expect(claimed.sort()).toEqual(ids)
  })

  test("the payloads' lost answer is asked for again", async () => {
    const queue = open()
    await queue.enqueueEach({}, {})
    store().bridge.faults.inject({ fault: "drop", when: "after", contains: "MGET", times: 1 })
    expect((await queue.take()).requests).toHaveLength(2)
  })

  test("two claims at once never get the same request", async () => {
    const queue = open()
    const ids = await queue.enqueueEach(...Array.from({ length: 20 }, () => ({})))
    const claims = await Promise.all(
      Array.from({ length: 6 }, (_, i) => queue.sibling().take({ owner: `drain-${i}`, limit: 5 })),
    )
    const claimed = claims.flatMap(({ requests }) => requests.map(({ head }) => head.requestId))
    expect(claimed.sort()).toEqual(ids)
  })

  test("a line is served only where its provider is configured", async () => {
    const queue = open({ settings: { providers: ["openai"] } })
    const other = queue.sibling({ settings: { providers: ["local-llm"] } })
    const [mine = "", theirs = ""] = await queue.enqueueEach({}, { provider: "local-llm" })
    expect((await queue.take()).requests.map(({ head }) => head.requestId)).toEqual([mine])
    // Seen by both, and claimed where it can be called.
    expect(await queue.status(theirs, null)).toMatchObject({ state: "pending", position: 1 })
    expect(await other.status(mine, null)).toMatchObject({ state: "processing" })
    const claimed = await other.takeOne()
    expect(claimed.head.requestId).toBe(theirs)
    expect(await queue.settle([settlement(claimed, "completed")])).toEqual(["settled"])
  })

  test("wakeAt is the earliest of due time, lease end, deadline and end of a block", async () => {
    const queue = open()
    const now = queue.clock()
    await queue.enqueueEach({ scheduledAt: now + 500_000 })
    expect((await queue.take()).wakeAt).toBe(now + 500_000)
    await queue.enqueueEach({ scheduledAt: now + 500_000, deadlineAt: now + 600_000 }, {})
    const claimed = await queue.takeOne()
    expect((await queue.take()).wakeAt).toBe(claimed.lease.expiresAt)
    await queue.enqueueEach({ scheduledAt: now + 600_000, deadlineAt: now + 90_000 })
    expect((await queue.take()).wakeAt).toBe(now + 90_000)
    await queue.settle([settlement(claimed, "return", { report: { blockedUntil: now + 20_000 } })])
    expect((await queue.take()).wakeAt).toBe(now + 20_000)
  })

  test("a request without its payload is not handed out, and harms no other", async () => {
    const queue = open({}, "spoiled")
    const [lost = "", whole = ""] = await queue.enqueueEach({}, {})
    await queue.redis.del(queue.keys.body(lost))
    expect((await queue.take()).requests.map(({ head }) => head.requestId)).toEqual([whole])
    expect((await queue.status(lost, null))?.state).toBe("processing")
  })

  test("the last operation of each drain is remembered for two minutes, and no longer", async () => {
    const queue = open()
    const remembered = async () => {
      const words = ((await queue.redis.hGet(queue.keys.meta, "drains")) ?? "").split(" ")
      return words.filter((_, i) => i % 3 === 0)
    }
    for (const owner of ["a", "b", "a", "c"]) {
      await queue.take({ owner })
      queue.clock.advance(40_000)
    }
    // The latest first, each once; b claimed 120 s ago.
    expect(await remembered()).toEqual(["c", "a", "b"])
    await queue.take({ owner: "c" })
    expect(await remembered()).toEqual(["c", "a"])
    queue.clock.advance(3_600_000)
    await queue.take({ owner: "d" })
    expect(await remembered()).toEqual(["d"])
  })

  test("one claim of each hour is told to see to the hourly work", async () => {
    const queue = open()
    const due: boolean[] = []
    for (const step of [0, 0, 3_599_999, 1, 0, 3_599_999, 5000]) {
      queue.clock.advance(step)
      due.push((await queue.take()).maintenanceDue)
    }
    expect(due).toEqual([false, false, false, true, false, false, true])
  })

  test("wait is measured from when a request was first due, once", async () => {
    const queue = open()
    await queue.enqueueEach({})
    queue.clock.advance(10_000)
    await queue.settle([settlement(await queue.takeOne(), "retry")])
    queue.clock.advance(60_000)
    await queue.takeOne()
    const { waitMs } = await queue.stats()
    for (const percentile of [waitMs.p50, waitMs.p95, waitMs.p99]) {
      expect(percentile).toBeGreaterThan(9500)
      expect(percentile).toBeLessThan(10_500)
    }
  })
})
