import { expect, test } from "vitest"
import { CLAIM, completion, settlement } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

describeQueue("turn", ({ open, store, loseAnswerOf, kind }) => {
  test("settles and claims in one round trip, and fetches what was claimed in a second", async () => {
    const queue = open()
    const ids = await queue.enqueueEach({}, {}, {}, {})
    const { requests } = await queue.take({ limit: 2 })
    store().bridge.counters.reset()
    const { replies, claim } = await queue.turn(
      requests.map((each) => settlement(each, "completed")),
      { ...CLAIM, limit: 1 },
    )
    expect(store().bridge.counters.requests).toBe(2)
    expect(replies).toEqual(["settled", "settled"])
    expect(claim.requests.map(({ head }) => head.requestId)).toEqual([ids[2]])
    expect(claim.remaining).toBe(1)
    const last = await queue.turn(
      claim.requests.map((each) => settlement(each, "failed")),
      { ...CLAIM, limit: 0 },
    )
    expect(last).toMatchObject({ replies: ["settled"], claim: { requests: [], remaining: 1 } })
    expect(store().bridge.counters.requests).toBe(3)
  })

  test("claims what it has just given back", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const claimed = await queue.takeOne()
    const { replies, claim } = await queue.turn([settlement(claimed, "return")], CLAIM)
    expect(replies).toEqual(["settled"])
    expect(claim.requests).toMatchObject([{ lease: { requestId: id, attempt: 2 } }])
  })

  test("with a block that it brings itself, claims nothing of that provider", async () => {
    const queue = open()
    await queue.enqueueEach({}, {})
    const claimed = await queue.takeOne()
    const blockedUntil = queue.clock() + 10_000
    const { claim } = await queue.turn([settlement(claimed, "return", { report: { blockedUntil } })], CLAIM)
    expect(claim).toMatchObject({ requests: [], wakeAt: blockedUntil })
  })

  test("without settlements is a claim", async () => {
    const queue = open()
    await queue.enqueueEach({})
    const { replies, claim } = await queue.turn([], CLAIM)
    expect(replies).toEqual([])
    expect(claim.requests).toHaveLength(1)
  })

  test.each([1, 3])("whose answer is lost %i times does both once", async (times) => {
    const queue = open({ random: () => 0 })
    await queue.enqueueEach({}, {}, {})
    const { requests } = await queue.take({ limit: 1 })
    loseAnswerOf("settle", times)
    const { replies, claim } = await queue.turn(
      requests.map((each) => settlement(each, "retry", { dueAt: queue.clock() + 60_000 })),
      { ...CLAIM, limit: 1 },
    )
    expect(replies).toEqual(["settled"])
    expect(claim.requests.map(({ lease }) => lease.attempt)).toEqual([1])
    expect((await queue.stats()).counts).toMatchObject({ scheduled: 1, processing: 1, pending: 1 })
  })

  test("works from an empty script cache", async () => {
    const queue = open()
    await queue.enqueueEach({}, {})
    const claimed = await queue.takeOne()
    store().bridge.faults.inject({ fault: "noscript", times: 1 })
    const { replies, claim } = await queue.turn([settlement(claimed, "completed")], CLAIM)
    expect(replies).toEqual(["settled"])
    expect(claim.requests.map(({ lease }) => lease.attempt)).toEqual([1])
  })

  test("with more than one command may hold, settles all in order and then claims", async () => {
    const queue = open()
    const ids = await queue.enqueueEach({}, {}, {}, {})
    const { requests } = await queue.take({ limit: 3 })
    const text = "x".repeat(kind === "redis" ? 4_500_000 : 1_500_000)
    const settlements = requests.map((each) => settlement(each, "completed", { response: completion(text) }))
    const [first] = requests
    if (first === undefined) throw new Error("nothing was claimed")
    // The same request twice takes a second group on every store.
    const { replies, claim } = await queue.turn([...settlements, settlement(first, "failed")], CLAIM)
    expect(replies).toEqual(["settled", "settled", "settled", "noted"])
    expect(claim.requests.map(({ head }) => head.requestId)).toEqual([ids[3]])
  })

  test("revives a dead letter whose leases were lost", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const first = await queue.takeOne()
    queue.clock.set(first.lease.expiresAt)
    for (let i = 0; i < 2; i++) queue.clock.set((await queue.takeOne()).lease.expiresAt)
    const { overdue } = await queue.take()
    const failed = await queue.turn(
      overdue.map((each) => settlement(each, "failed")),
      CLAIM,
    )
    expect(failed.replies).toEqual(["settled"])
    const { replies } = await queue.turn([settlement(first, "completed")], CLAIM)
    expect(replies).toEqual(["settled"])
    expect((await queue.status(id, null))?.state).toBe("completed")
  })

  test("of a process that knows neither line learns both", async () => {
    const queue = open({ settings: { providers: ["local-a", "local-b"] } })
    await queue.enqueueEach({ provider: "local-a" }, { provider: "local-b" })
    const { requests } = await queue.take()
    const stranger = queue.sibling({ settings: { providers: ["openai"] } })
    await queue.enqueueEach({})
    const { replies, claim } = await stranger.turn(
      requests.map((each) => settlement(each, "completed")),
      CLAIM,
    )
    expect(replies).toEqual(["settled", "settled"])
    expect(claim.requests.map(({ head }) => head.provider)).toEqual(["openai"])
  })
})
