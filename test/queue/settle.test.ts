import { expect, test } from "vitest"
import { decodeOutcome } from "../../src/queue/frames.ts"
import { dayOf } from "../../src/queue/keys.ts"
import { decodeRecord } from "../../src/queue/record.ts"
import { completion, settlement, type TestQueue, USAGE } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const DEAD_LETTER_TTL_MS = 1_209_600_000
const recordOf = async (queue: TestQueue, id: string) =>
  decodeRecord((await queue.redis.hGet(queue.keys.live, id)) ?? "")

describeQueue("settle", ({ open, loseAnswerOf, store, kind: storeKind }) => {
  test("completed: the outcome is kept under its TTL, and nothing else of the request", async () => {
    const queue = open()
    const { keys, redis, clock } = queue
    const request = queue.newRequest({ resultTtlSeconds: 600, organizationId: "org-9", metadata: { a: "1" } })
    const { requestId } = request.head
    await queue.enqueue([request])
    const claimed = await queue.takeOne()
    clock.advance(2500)
    const settled = settlement(claimed, "completed", { finishedAt: clock() })
    expect(await queue.settle([settled])).toEqual(["settled"])

    const expiresAt = clock() + 600_000
    const text = (await redis.get(keys.outcome(requestId))) ?? ""
    const lines = text.split("\n")
    expect(lines).toHaveLength(5)
    expect(lines[0]).toBe(`2|completed||${expiresAt}|${clock()}|org-9|1`)
    expect(lines[1]).toBe(`1${JSON.stringify(request.head.metadata)}`)
    expect(lines[4]).toBe(JSON.stringify(settled.result.response))
    expect(decodeOutcome(text).summary).toEqual({ usage: USAGE, error: null, attempt: settled.attempt })
    expect(decodeOutcome(text).record).toMatchObject({ attempt: 1, owner: "", op: "", provider: "" })
    expect(await redis.expireTime(keys.outcome(requestId))).toBe(Math.ceil(expiresAt / 1000))
    const index = keys.finished("completed", dayOf(expiresAt))
    expect(await redis.zScore(index, `${requestId}|org-9`)).toBe(expiresAt)
    expect(await redis.expireTime(index)).toBe((dayOf(expiresAt) + 4) * 86_400)
    const gone = [keys.metadata(requestId), keys.body(requestId), keys.attempts(requestId), keys.live]
    expect(await redis.exists(gone)).toBe(0)
    expect(await redis.hGetAll(keys.meta)).toMatchObject({
      ...{ load: "0", "live:org-9": "0", "kept:completed": `${dayOf(expiresAt)}:1` },
    })
    const { throughput, providerMs } = await queue.stats()
    expect(throughput).toMatchObject({ completedLastMinute: 1, failedLastMinute: 0 })
    expect(providerMs.p50).toBeGreaterThan(2350)
    expect(providerMs.p50).toBeLessThan(2650)
  })

  test("failed: a dead letter keeps its messages and its history as long as itself", async () => {
    const queue = open()
    const { keys, redis, clock } = queue
    const [id = ""] = await queue.enqueueEach({ resultTtlSeconds: 600 })
    await queue.settle([settlement(await queue.takeOne(), "retry", { dueAt: clock() })])
    const last = settlement(await queue.takeOne(), "failed", { code: "provider_rejected" })
    expect(await queue.settle([last])).toEqual(["settled"])
    const expiresAt = clock() + DEAD_LETTER_TTL_MS
    const outcome = decodeOutcome((await redis.get(keys.outcome(id))) ?? "")
    expect(outcome).toMatchObject({ state: "failed", code: "provider_rejected", expiresAt, response: null })
    for (const key of [keys.outcome(id), keys.body(id), keys.attempts(id)]) {
      expect(await redis.expireTime(key)).toBe(Math.ceil(expiresAt / 1000))
    }
    expect(await redis.exists(keys.metadata(id))).toBe(0)
    expect(await queue.status(id, null)).toMatchObject({
      ...{ state: "failed", error: last.result.error, finishedAt: clock(), response: null },
      attempts: [
        { number: 1, result: "retry" },
        { ...last.attempt, number: 2, result: "failed" },
      ],
    })
    expect((await queue.stats()).throughput).toMatchObject({ failedLastMinute: 1, retriedLastMinute: 1 })
  })

  test("retry: scheduled until its backoff is over, with its attempt in the history", async () => {
    const queue = open()
    const { keys, redis, clock } = queue
    const [id = ""] = await queue.enqueueEach({})
    const dueAt = clock() + 12_345
    const retried = settlement(await queue.takeOne(), "retry", { dueAt, code: "timeout", usage: USAGE })
    expect(await queue.settle([retried])).toEqual(["settled"])
    expect(await redis.zScore(keys.scheduled, id)).toBe(dueAt)
    expect(await redis.zCard(keys.leases("openai"))).toBe(0)
    expect(await recordOf(queue, id)).toMatchObject({
      ...{ attempt: 1, retries: 1, timeouts: "1", lost: 0, owner: "", op: "", provider: "" },
    })
    expect(JSON.parse((await redis.hGet(keys.attempts(id), "1")) ?? "")).toEqual({
      ...retried.attempt,
      usage: USAGE,
    })
    expect(await redis.ttl(keys.attempts(id))).toBe(-1)
    expect(await queue.take()).toMatchObject({ requests: [], wakeAt: dueAt })
    expect(await queue.status(id, null)).toMatchObject({
      ...{ state: "scheduled", scheduledAt: dueAt, error: retried.result.error, attempts: [retried.attempt] },
    })
    clock.set(dueAt)
    expect(await queue.takeOne()).toMatchObject({ lease: { attempt: 2 }, retries: 1, timeouts: 1 })
  })

  test("return: back in line at once, noted but not counted", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const returned = settlement(await queue.takeOne(), "return", { code: "provider_auth" })
    expect(await queue.settle([returned])).toEqual(["settled"])
    expect(await queue.status(id, null)).toMatchObject({
      ...{ state: "pending", position: 1, attempts: [returned.attempt], error: { code: "provider_auth" } },
    })
    expect(await queue.takeOne()).toMatchObject({ lease: { attempt: 2 }, retries: 0 })
  })

  test("release: as if it had never been claimed", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const claimed = await queue.takeOne()
    expect(await queue.settle([settlement(claimed, "release")])).toEqual(["settled"])
    expect(await queue.status(id, null)).toMatchObject({ state: "pending", attempts: [], error: null })
    const again = await queue.takeOne()
    expect(again.lease.attempt).toBe(1)
    // The old claim's word counts no more, though the number is the same.
    expect(await queue.settle([settlement(claimed, "release")])).toEqual(["noted"])
    expect((await queue.status(id, null))?.state).toBe("processing")
    expect(await queue.settle([settlement(again, "completed")])).toEqual(["settled"])
  })

  test("note: what is known of a cancelled request's cost is kept", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({ resultTtlSeconds: 600 })
    const claimed = await queue.takeOne()
    await queue.cancel(id, null)
    const noted = settlement(claimed, "note", { usage: USAGE, code: "internal" })
    expect(await queue.settle([noted])).toEqual(["noted"])
    expect(await queue.status(id, null)).toMatchObject({
      ...{ state: "cancelled", response: null, usage: USAGE, attempts: [{ number: 1, result: "cancelled" }] },
    })
    expect(await queue.redis.ttl(queue.keys.attempts(id))).toBeGreaterThan(590)
  })

  test.each([
    ["completed", { state: "completed" }],
    ["failed", { state: "failed" }],
    ["retry", { state: "scheduled" }],
    ["return", { state: "pending", position: 1 }],
    ["release", { state: "pending", position: 1 }],
  ] as const)("a lost answer to %s changes nothing twice", async (kind, expected) => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const claimed = await queue.takeOne()
    loseAnswerOf("settle", 2)
    const options = { code: "timeout", dueAt: queue.clock() + 1000 } as const
    const [reply] = await queue.settle([settlement(claimed, kind, options)])
    // The number of a released attempt belongs to nobody, so nobody can tell whose it was.
    expect(reply).toBe(kind === "release" ? "noted" : "settled")
    const status = await queue.status(id, null)
    expect(status).toMatchObject(expected)
    expect(status?.attempts).toHaveLength(kind === "release" ? 0 : 1)
    if (kind === "retry") expect(await recordOf(queue, id)).toMatchObject({ retries: 1, timeouts: "1" })
    const { completedLastMinute, failedLastMinute, retriedLastMinute } = (await queue.stats()).throughput
    expect([completedLastMinute, failedLastMinute, retriedLastMinute]).toEqual(
      ["completed", "failed", "retry"].map((counted) => (counted === kind ? 1 : 0)),
    )
  })

  test("a group settles each by itself, and answers in order", async () => {
    const queue = open()
    const ids = await queue.enqueueEach(
      {},
      { provider: "anthropic" },
      {},
      { organizationId: "org-2" },
      {},
      {},
    )
    const { requests } = await queue.take()
    const kinds = ["completed", "failed", "retry", "return", "release", "completed"] as const
    const byAge = ids.map((id) => requests.find(({ head }) => head.requestId === id))
    const unknown = queue.newRequest()
    const settlements = byAge.map((claimed, i) => {
      if (claimed === undefined) throw new Error("not claimed")
      return settlement(claimed, kinds[i] ?? "note")
    })
    const [first] = settlements
    if (first === undefined) throw new Error("nothing to settle")
    const stranger = { ...first, lease: { ...first.lease, requestId: unknown.head.requestId } }
    const replies = await queue.settle([...settlements, stranger])
    expect(replies).toEqual([...kinds.map(() => "settled"), "gone"])
    const states = await Promise.all(ids.map(async (id) => (await queue.status(id, null))?.state))
    expect(states).toEqual(["completed", "failed", "scheduled", "pending", "pending", "completed"])
  })

  test("450 settlements, and the same request twice among them", async () => {
    const queue = open()
    await queue.enqueue(Array.from({ length: 450 }, () => queue.newRequest()))
    const { requests } = await queue.take({ limit: 450 })
    const settlements = requests.map((each) => settlement(each, "completed"))
    const [first] = requests
    if (first === undefined) throw new Error("nothing claimed")
    const replies = await queue.settle([
      ...settlements.slice(0, 9),
      settlement(first, "failed"),
      ...settlements.slice(9),
    ])
    expect(replies).toHaveLength(451)
    expect(replies.flatMap((reply, i) => (reply === "settled" ? [] : [i]))).toEqual([9])
    expect(replies[9]).toBe("noted")
    expect((await queue.stats()).counts).toMatchObject({ completed: 450, failed: 0, processing: 0 })
  })

  test("answers larger than one command may be travel in several", async () => {
    const queue = open()
    // The embedded store's scripts have 64 MB in all, so it gets by with less.
    const length = storeKind === "redis" ? 3_500_000 : 1_200_000
    const ids = await queue.enqueueEach({}, {}, {}, {})
    const { requests } = await queue.take()
    store().bridge.counters.reset()
    // Quotes double when they are encoded once more, which the limit has to reckon with.
    const answer = '"\n'.repeat(length / 4)
    const replies = await queue.settle(
      requests.map((each) => settlement(each, "completed", { response: completion(answer) })),
    )
    expect(replies).toEqual(requests.map(() => "settled"))
    expect(store().bridge.counters.requests).toBe(storeKind === "redis" ? 4 : 2)
    expect((await queue.status(ids[3] ?? "", null))?.response).toEqual(completion(answer))
  })

  test("an answer is stored byte by byte as JSON.stringify gave it", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const answer = completion('漢字 🦊 \u2028 lone \ud800 "quoted" \\ | 1|completed\n{} [] %d $1 \u0000')
    const extended = {
      ...answer,
      extra: JSON.parse('{"empty":[],"big":12345678901234567890,"float":1.10,"o":{}}'),
    }
    await queue.settle([settlement(await queue.takeOne(), "completed", { response: extended })])
    const text = (await queue.redis.get(queue.keys.outcome(id))) ?? ""
    expect(text.split("\n")[4]).toBe(JSON.stringify(extended))
    expect((await queue.status(id, null))?.response).toEqual(extended)
  })

  test("what a failed request has cost is kept with its error, until it is discarded", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    await queue.settle([
      settlement(await queue.takeOne(), "failed", { code: "result_too_large", usage: USAGE }),
    ])
    expect(await queue.status(id, null)).toMatchObject({ error: { code: "result_too_large" }, usage: USAGE })
    expect(await queue.cancel(id, null)).toEqual({ kind: "discarded" })
  })

  test("settling nothing asks nobody", async () => {
    const queue = open()
    store().bridge.counters.reset()
    expect(await queue.settle([])).toEqual([])
    expect(store().bridge.counters.requests).toBe(0)
  })

  test("a settlement of a line that this process does not know is settled all the same", async () => {
    const queue = open({ settings: { providers: ["local-llm"] } })
    const stranger = queue.sibling({ settings: { providers: ["openai"] } })
    const [id = ""] = await queue.enqueueEach({ provider: "local-llm" })
    expect(await stranger.settle([settlement(await queue.takeOne(), "return")])).toEqual(["settled"])
    expect(await stranger.status(id, null)).toMatchObject({ state: "pending", position: 1 })
  })
})
