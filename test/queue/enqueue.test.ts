import { expect, test } from "vitest"
import { newOperationId } from "../../src/core/ids.ts"
import { PRIORITIES } from "../../src/core/request.ts"
import { dayOf } from "../../src/queue/keys.ts"
import { decodeRecord } from "../../src/queue/record.ts"
import { scoreOf } from "../../src/queue/score.ts"
import { settlement } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

describeQueue("enqueue", ({ open, loseAnswerOf, store }) => {
  test("stores metadata, body, record, place, deadline and the organization's index", async () => {
    const queue = open()
    const { keys, redis, clock } = queue
    const now = clock()
    const request = queue.newRequest({
      ...{ priority: "high", organizationId: "org-7", provider: "deepseek", deadlineAt: now + 60_000 },
      ...{
        timeoutMs: 45_000,
        resultTtlSeconds: 600,
        metadata: { trace: "abc" },
        options: { max_tokens: 50 },
      },
    })
    const { requestId } = request.head
    const replies = await queue.enqueue([request])
    expect(replies).toEqual([{ requestId, state: "pending", position: 1, createdAt: now }])

    const bodyText = JSON.stringify(request.body)
    const metadataText = JSON.stringify(request.head.metadata)
    expect(await redis.get(keys.metadata(requestId))).toBe(`1${JSON.stringify(request.head.metadata)}`)
    expect(await redis.get(keys.body(requestId))).toBe(`1${bodyText}`)
    expect(decodeRecord((await redis.hGet(keys.live, requestId)) ?? "")).toEqual({
      ...{ version: 5, line: "deepseek", level: 2, organization: "org-7", dueAt: now, effectiveAt: now },
      ...{ createdAt: 0, scheduledAt: 0, maxRetries: 3, simulated: 0, metadata: 1 },
      ...{
        bytes: bodyText.length + metadataText.length + 2,
        tokens: Math.ceil((bodyText.length + 1) / 4) + 50,
      },
      ...{ timeoutMs: 45_000, deadlineAt: now + 60_000, resultTtlSeconds: 600 },
      ...{ attempt: 0, retries: 0, timeouts: "", lost: 0, replays: 0, startedAt: 0 },
      ...{
        owner: "",
        op: "",
        provider: "",
        history: "",
        circuit: "",
        watchedUntil: 0,
        callback: "",
        batch: "",
        trace: "",
        dueAgainAt: 0,
      },
      ...{ model: "gpt-test", targets: "", target: 0, avoid: "" },
    })
    expect(await redis.zScore(keys.line("deepseek"), requestId)).toBe(scoreOf("high", now, 0, 60_000))
    expect(await redis.zScore(keys.deadlines, requestId)).toBe(now + 60_000)
    expect(await redis.zRange(keys.recent("org-7", dayOf(now)), 0, -1)).toEqual([requestId])
    expect(await redis.expireTime(keys.recent("org-7", dayOf(now)))).toBe((dayOf(now) + 62) * 86_400)
    expect(await redis.hGetAll(keys.meta)).toMatchObject({
      ...{ version: "1", lines: "deepseek", "pending:deepseek": "0 1 0 0", load: "1", "live:org-7": "1" },
      next: `99999999999999 99999999999999 ${now + 60_000} 99999999999999`,
    })
  })

  test("a request due later is scheduled, and a past instant means now", async () => {
    const queue = open()
    const now = queue.clock()
    const later = queue.newRequest({ scheduledAt: now + 5000 })
    const past = queue.newRequest({ scheduledAt: now - 5000 })
    expect(await queue.enqueue([later])).toMatchObject([{ state: "scheduled", position: null }])
    expect(await queue.enqueue([past])).toMatchObject([{ state: "pending", position: 1 }])
    const { keys, redis } = queue
    expect(await redis.zScore(keys.scheduled, later.head.requestId)).toBe(now + 5000)
    expect(await redis.hGet(keys.meta, "next")).toMatch(new RegExp(`^${now + 5000} `))
    // It is not older than what was asked for when it was.
    expect(await redis.zScore(keys.line("openai"), past.head.requestId)).toBe(scoreOf("normal", now, 0, 0))
  })

  test("position is the place in the line of its provider, by priority, then age", async () => {
    const queue = open()
    const positions: (number | null)[] = []
    for (const priority of ["low", "normal", "high", "normal", "critical", "low"] as const) {
      const [reply] = await queue.enqueue([queue.newRequest({ priority })])
      positions.push(reply?.position ?? null)
      queue.clock.advance(10)
    }
    expect(positions).toEqual([1, 1, 1, 3, 1, 6])
    const [other] = await queue.enqueue([queue.newRequest({ provider: "anthropic", priority: "low" })])
    expect(other?.position).toBe(1)
  })

  test("a user's JSON is stored byte by byte as JSON.stringify gave it", async () => {
    const queue = open()
    const numbers = JSON.parse('{"long":12345678901234567890,"tiny":1e-9,"huge":1.5e300,"negative":-0.1}')
    const request = queue.newRequest({
      model: 'a|b\n"c"',
      metadata: { "spaces  two": "  é 漢字 🦊 \u2028 \\ / %s $1 |", empty: "" },
      messages: [
        { role: "user", content: "tab\t null\u0000 lone \ud800 pair 🦊 ünïcode | {} []  two  spaces\n" },
      ],
      options: { empty: [], nested: { empty: {}, list: [[], [{}]] }, ...numbers, nothing: null },
      providerOptions: { thinking: { budget_tokens: 1024 } },
    })
    const { requestId } = request.head
    await queue.enqueue([request])
    const { keys, redis } = queue
    expect(await redis.get(keys.metadata(requestId))).toBe(`1${JSON.stringify(request.head.metadata)}`)
    expect(await redis.get(keys.body(requestId))).toBe(`1${JSON.stringify(request.body)}`)
    const { body, head } = await queue.takeOne()
    expect(body).toEqual(request.body)
    expect(head).toEqual(request.head)
    const lengths = [await redis.strLen(keys.body(requestId)), await redis.strLen(keys.metadata(requestId))]
    const { bytes } = decodeRecord((await redis.hGet(keys.live, requestId)) ?? "")
    expect(Number(lengths[0]) + Number(lengths[1])).toBe(bytes)
  })

  test("the same ids again change nothing and answer where the requests are now", async () => {
    const queue = open()
    const request = queue.newRequest()
    const first = await queue.enqueue([request])
    expect(await queue.enqueue([request])).toEqual(first)
    await queue.enqueueEach({ priority: "high" })
    expect(await queue.enqueue([request])).toMatchObject([{ state: "pending", position: 2 }])
    await queue.takeOne()
    const claimed = await queue.takeOne()
    expect(await queue.enqueue([request])).toMatchObject([{ state: "processing", position: null }])
    await queue.settle([settlement(claimed, "completed")])
    expect(await queue.enqueue([request])).toMatchObject([{ state: "completed", position: null }])
    expect((await queue.stats()).counts).toMatchObject({ pending: 0, processing: 1, completed: 1 })
  })

  test("a lost answer stores nothing twice, a lost call stores once", async () => {
    const queue = open()
    loseAnswerOf("enqueue")
    const [stored] = await queue.enqueue([queue.newRequest()])
    expect(stored).toMatchObject({ state: "pending", position: 1 })
    store().bridge.faults.inject({ fault: "drop", when: "before", times: 2 })
    const [second] = await queue.enqueue([queue.newRequest({ scheduledAt: queue.clock() + 1000 })])
    expect(second).toMatchObject({ state: "scheduled", position: null })
    expect((await queue.stats()).counts).toMatchObject({ pending: 1, scheduled: 1 })
    expect(store().bridge.counters.dropped).toBeGreaterThanOrEqual(3)
  })

  test("a bulk of 1,000 is stored in its order, over lines, priorities and organizations", async () => {
    const queue = open()
    const { clock } = queue
    const requests = Array.from({ length: 1000 }, (_, i) =>
      queue.newRequest({
        provider: i % 2 ? "openai" : "deepseek",
        priority: PRIORITIES[i % 4] ?? "normal",
        organizationId: `org-${i % 7}`,
        scheduledAt: i % 10 === 9 ? clock() + 1000 : null,
      }),
    )
    const replies = await queue.enqueue(requests)
    expect(replies.map(({ requestId }) => requestId)).toEqual(requests.map(({ head }) => head.requestId))
    expect(replies[0]).toMatchObject({ state: "pending", position: 1 })
    expect(replies[999]).toMatchObject({ state: "scheduled", position: null })
    expect(replies.slice(1).every(({ position }) => position === null)).toBe(true)
    const { counts, pendingByPriority, pendingByProvider, throughput } = await queue.stats()
    expect(counts).toMatchObject({ pending: 900, scheduled: 100 })
    expect(pendingByPriority).toEqual({ critical: 250, high: 200, normal: 250, low: 200 })
    expect(pendingByProvider).toMatchObject({ openai: 400, deepseek: 500 })
    expect(throughput.enqueuedLastMinute).toBe(1000)
    const expected = PRIORITIES.flatMap((priority) =>
      requests.filter(({ head }) => head.priority === priority && head.scheduledAt === null),
    ).map(({ head }) => head.requestId)
    const { requests: claimed } = await queue.take({ limit: 300 })
    expect(claimed.map(({ head }) => head.requestId)).toEqual(expected.slice(0, 300))
  })

  test("a bulk's first and last positions are true, and a repeated bulk gives the same answer", async () => {
    const queue = open()
    await queue.enqueueEach({ priority: "high" })
    const requests = Array.from({ length: 5 }, () => queue.newRequest())
    const replies = await queue.enqueue(requests)
    expect(replies.map(({ position }) => position)).toEqual([2, null, null, null, 6])
    loseAnswerOf("enqueue")
    const more = Array.from({ length: 3 }, () => queue.newRequest())
    expect((await queue.enqueue(more)).map(({ position }) => position)).toEqual([7, null, 9])
  })

  test("a bulk with one id that is known stores nothing of the rest", async () => {
    const queue = open()
    const known = queue.newRequest()
    await queue.enqueue([known])
    await queue.enqueue([queue.newRequest(), known, queue.newRequest()])
    expect((await queue.stats()).counts.pending).toBe(1)
  })

  test("first in, first out, also within one millisecond and whoever asks", async () => {
    const queue = open()
    const ids = await queue.enqueueEach(...Array.from({ length: 30 }, () => ({})))
    const claimed: string[] = []
    while (claimed.length < 30) {
      claimed.push(...(await queue.take({ limit: 7 })).requests.map(({ head }) => head.requestId))
    }
    expect(claimed).toEqual(ids)
  })

  test("100 enqueued at once are all stored", async () => {
    const queue = open()
    const requests = Array.from({ length: 100 }, () => queue.newRequest())
    const replies = await Promise.all(requests.map((request) => queue.enqueue([request])))
    expect(replies.map(([reply]) => reply?.position).sort((a, b) => (a ?? 0) - (b ?? 0))).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 1),
    )
  })

  test("a full queue refuses whole calls, says when to come again, and takes requests once there is room", async () => {
    const queue = open({ settings: { maxPending: 3 } })
    const [first = ""] = await queue.enqueueEach({}, { scheduledAt: queue.clock() + 1000 })
    const refused = { code: "queue_full", status: 429, retryAfterSeconds: 30, op: "enqueue" }
    await expect(queue.enqueue([queue.newRequest(), queue.newRequest()])).rejects.toMatchObject(refused)
    expect((await queue.stats()).counts).toMatchObject({ pending: 1, scheduled: 1 })
    const last = queue.newRequest()
    await queue.enqueue([last])
    await queue.takeOne()
    // What is leased or scheduled counts too.
    await expect(queue.enqueue([queue.newRequest()])).rejects.toMatchObject(refused)
    expect(await queue.enqueue([last])).toMatchObject([{ state: "pending" }])
    await queue.cancel(first, null)
    await queue.enqueueEach({})
  })

  test("an organization's limit is its own", async () => {
    const queue = open({ settings: { maxPendingPerOrganization: 2 } })
    await queue.enqueueEach({ organizationId: "a" }, { organizationId: "a" })
    const tooMany = queue.newRequest({ organizationId: "a" })
    await expect(queue.enqueue([queue.newRequest({ organizationId: "b" }), tooMany])).rejects.toMatchObject({
      code: "queue_full",
      message: expect.stringMatching(/^Organization a has 2 /),
    })
    await queue.enqueueEach({ organizationId: "b" })
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    await queue.enqueue([tooMany])
  })

  test("an organization's index ends by itself, also one that was emptied and filled again", async () => {
    const queue = open()
    await queue.enqueueEach({})
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    await queue.cleanup(0)
    const recent = queue.keys.recent("org-1", dayOf(queue.clock()))
    expect(await queue.redis.exists(recent)).toBe(0)
    await queue.enqueueEach({})
    expect(await queue.redis.expireTime(recent)).toBe((dayOf(queue.clock()) + 62) * 86_400)
  })

  test("of two processes each learns the lines that only the other has", async () => {
    const queue = open({ settings: { providers: ["openai"] } })
    const other = queue.sibling({ settings: { providers: ["local-llm"] } })
    await queue.enqueueEach({}, {})
    const [reply] = await other.enqueue([other.newRequest({ provider: "local-llm" })])
    expect(reply).toMatchObject({ state: "pending", position: 1 })
    expect(await queue.enqueue([queue.newRequest()])).toMatchObject([{ position: 3 }])
    expect((await queue.stats()).pendingByProvider).toEqual({ openai: 3, "local-llm": 1 })
  })
})

describeQueue("enqueueOnce", ({ open, loseAnswerOf }) => {
  const call = (bodyHash = "b0d1") => ({ organizationId: "org-1", keyHash: newOperationId(), bodyHash })

  test("the same key and body give the first answer and store nothing", async () => {
    const queue = open()
    const idempotency = call()
    const first = await queue.enqueueOnce([queue.newRequest(), queue.newRequest()], idempotency)
    expect(first).toMatchObject({ replayed: false, requests: [{ position: 1 }, { position: 2 }] })
    await queue.enqueueEach({ priority: "critical" })
    queue.clock.advance(1000)
    const again = await queue.enqueueOnce([queue.newRequest(), queue.newRequest()], idempotency)
    expect(again).toEqual({ requests: first.requests, replayed: true })
    expect((await queue.stats()).counts.pending).toBe(3)
    const key = queue.keys.idempotency("org-1", idempotency.keyHash)
    expect(await queue.redis.ttl(key)).toBeGreaterThan(86_390)
    expect(await queue.redis.ttl(key)).toBeLessThanOrEqual(86_400)
  })

  test("the same key with another body is refused, another key or organization is another call", async () => {
    const queue = open()
    const idempotency = call("aa")
    await queue.enqueueOnce([queue.newRequest()], idempotency)
    await expect(
      queue.enqueueOnce([queue.newRequest()], { ...idempotency, bodyHash: "bb" }),
    ).rejects.toMatchObject({ code: "idempotency_mismatch", status: 422 })
    await queue.enqueueOnce([queue.newRequest()], { ...idempotency, organizationId: "org-2" })
    await queue.enqueueOnce([queue.newRequest()], call("aa"))
    expect((await queue.stats()).counts.pending).toBe(3)
  })

  test("of concurrent twins one is stored, and the others get its answer", async () => {
    const queue = open()
    const idempotency = call()
    const twins = await Promise.all(
      Array.from({ length: 10 }, () => queue.enqueueOnce([queue.newRequest()], idempotency)),
    )
    expect(new Set(twins.map(({ requests }) => JSON.stringify(requests))).size).toBe(1)
    expect(twins.filter(({ replayed }) => !replayed)).toHaveLength(1)
    expect((await queue.stats()).counts.pending).toBe(1)
  })

  test("a lost answer is no replay", async () => {
    const queue = open()
    loseAnswerOf("enqueue")
    const idempotency = call()
    const first = await queue.enqueueOnce([queue.newRequest()], idempotency)
    expect(first).toMatchObject({ replayed: false, requests: [{ state: "pending", position: 1 }] })
    expect((await queue.enqueueOnce([queue.newRequest()], idempotency)).replayed).toBe(true)
    expect((await queue.stats()).counts.pending).toBe(1)
  })

  test("a refused call is not remembered", async () => {
    const queue = open({ settings: { maxPending: 1 } })
    const idempotency = call()
    const [first = ""] = await queue.enqueueEach({})
    await expect(queue.enqueueOnce([queue.newRequest()], idempotency)).rejects.toMatchObject({
      code: "queue_full",
    })
    await queue.cancel(first, null)
    expect(await queue.enqueueOnce([queue.newRequest()], idempotency)).toMatchObject({ replayed: false })
    // Full again, and yet the remembered answer is given.
    expect(await queue.enqueueOnce([queue.newRequest()], idempotency)).toMatchObject({ replayed: true })
  })
})
