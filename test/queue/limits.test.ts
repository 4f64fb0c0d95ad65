import { expect, test } from "vitest"
import { idsOf, providersOf, withLimits } from "../helpers/claims.ts"
import { CLAIM, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const MINUTE_MS = 60_000
/** Of a limit, so that calls which start a little late keep it too. */
const FILL_SHARE = 0.975
/** Of a limit of calls a minute: how long one more takes to come. */
const msPerCall = (rpm: number) => Math.ceil(MINUTE_MS / (rpm * FILL_SHARE))

const many = (count: number, overrides = {}) => Array.from({ length: count }, () => overrides)

async function enqueueMany(queue: TestQueue, count: number, overrides = {}): Promise<void> {
  await queue.enqueue(many(count, overrides).map((each) => queue.newRequest(each)))
}

/** Settles what is claimed at once, and goes on whenever the queue says; when each started. */
async function startsWithin(queue: TestQueue, forMs: number): Promise<number[]> {
  const endAt = queue.clock() + forMs
  const starts: number[] = []
  let claim = await queue.take()
  for (let turn = 0; turn < 1000; turn++) {
    starts.push(...claim.requests.map(({ startedAt }) => startedAt))
    const settlements = claim.requests.map((each) => settlement(each, "completed"))
    const next = await queue.turn(settlements, CLAIM)
    claim = next.claim
    if (claim.requests.length > 0) continue
    if (claim.wakeAt === null || claim.wakeAt > endAt) return starts
    queue.clock.set(claim.wakeAt)
    claim = await queue.take()
  }
  throw new Error("it keeps waking up for nothing")
}

describeQueue("limits of a provider", ({ open, loseAnswerOf }) => {
  test("concurrency: never more calls in flight; one that ends makes room for one, other providers go on", async () => {
    const queue = open(withLimits({ openai: { concurrency: 2 } }))
    await queue.enqueueEach(...many(4), { provider: "anthropic" })
    const first = await queue.take()
    expect(providersOf(first)).toEqual(["openai", "openai", "anthropic"])
    expect(first.remaining).toBe(0)
    expect((await queue.sibling().take()).requests).toEqual([])
    const [one, two] = first.requests
    if (!one || !two) throw new Error("not all were claimed")
    const { claim } = await queue.turn([settlement(one, "completed")], CLAIM)
    expect(claim.requests).toHaveLength(1)
    await queue.settle([settlement(two, "retry", { dueAt: queue.clock() + MINUTE_MS })])
    expect((await queue.take()).requests).toHaveLength(1)
    expect(await queue.take()).toMatchObject({ requests: [], remaining: 0 })
  })

  test("concurrency: room comes back from a worker that died, and from a call that was cancelled", async () => {
    const queue = open(withLimits({ openai: { concurrency: 1 } }))
    const [lost, stopped = "", last] = await queue.enqueueEach({ priority: "high" }, {}, {})
    const claimed = await queue.takeOne()
    const { requests, wakeAt } = await queue.take()
    expect({ requests, wakeAt }).toEqual({ requests: [], wakeAt: claimed.lease.expiresAt })
    queue.clock.set(claimed.lease.expiresAt)
    const again = await queue.take()
    expect(idsOf(again)).toEqual([lost])
    await queue.settle(again.requests.map((each) => settlement(each, "completed")))
    expect(idsOf(await queue.take())).toEqual([stopped])
    await queue.cancel(stopped, null)
    expect(idsOf(await queue.take())).toEqual([last])
  })

  test("rpm: a burst of a twelfth of a minute's worth, then one by one as the bucket fills", async () => {
    const queue = open(withLimits({ openai: { rpm: 120 } }))
    await enqueueMany(queue, 15)
    await queue.enqueueEach({ provider: "anthropic" })
    const first = await queue.take()
    expect(providersOf(first)).toEqual([...Array(10).fill("openai"), "anthropic"])
    const wakeAt = queue.clock() + msPerCall(120)
    expect(await queue.take()).toMatchObject({ requests: [], wakeAt, remaining: 0 })
    queue.clock.set(wakeAt - 1)
    expect(await queue.take()).toMatchObject({ requests: [], wakeAt })
    queue.clock.set(wakeAt)
    expect((await queue.take()).requests).toHaveLength(1)
    expect((await queue.sibling().take()).requests).toEqual([])
  })

  test("rpm: an idle time is not made up for", async () => {
    const queue = open(withLimits({ openai: { rpm: 120 } }))
    await enqueueMany(queue, 25)
    expect((await queue.take()).requests).toHaveLength(10)
    queue.clock.advance(30_000)
    expect((await queue.take()).requests).toHaveLength(10)
  })

  test("rpm: one call at least, however low the limit", async () => {
    const queue = open(withLimits({ openai: { rpm: 2 } }))
    await queue.enqueueEach({}, {})
    expect((await queue.take()).requests).toHaveLength(1)
    const wakeAt = queue.clock() + msPerCall(2)
    expect((await queue.take()).wakeAt).toBe(wakeAt)
    queue.clock.set(wakeAt)
    expect((await queue.take()).requests).toHaveLength(1)
  })

  test("rpm: no minute sees more than limit and burst, and 95 % are used while there is a backlog", async () => {
    const rpm = 60
    const queue = open(withLimits({ openai: { rpm } }))
    await enqueueMany(queue, 200)
    const starts = await startsWithin(queue, 2.5 * MINUTE_MS)
    const startedIn = (from: number) => starts.filter((at) => at >= from && at < from + MINUTE_MS).length
    for (const from of starts) expect(startedIn(from)).toBeLessThanOrEqual(rpm + rpm / 12)
    const [firstAt = 0] = starts
    for (const from of [0, 30_000, 60_000, 90_000]) {
      expect(startedIn(firstAt + from)).toBeGreaterThanOrEqual(Math.floor(0.95 * rpm))
    }
  })

  test("rpm: what was claimed and never called has used nothing", async () => {
    const queue = open(withLimits({ openai: { rpm: 12 } }))
    await queue.enqueueEach({}, {})
    for (let i = 0; i < 3; i++) {
      const { claim } = await queue.turn([settlement(await queue.takeOne(), "release")], {
        ...CLAIM,
        limit: 0,
      })
      expect(claim.remaining).toBe(1)
    }
    const [only, ...others] = (await queue.take()).requests
    expect(others).toEqual([])
    if (!only) throw new Error("nothing was claimed")
    // A failed call was one.
    await queue.settle([settlement(only, "failed")])
    expect((await queue.take()).requests).toEqual([])
  })

  test("what a model is allowed is beside what its provider is", async () => {
    const queue = open(withLimits({ openai: { rpm: 48, models: { small: { concurrency: 1 } } } }))
    const [a, , b, c, , d] = await queue.enqueueEach(
      ...["small", "small", "large", "large", "small", "large", "large"].map((model) => ({ model })),
    )
    expect(idsOf(await queue.take())).toEqual([a, b, c, d])
    expect((await queue.take()).requests).toEqual([])
  })

  test("a model without limits has none, whatever another's are", async () => {
    const queue = open(withLimits({ openai: { models: { "gpt-test": { rpm: 12 }, other: { rpm: 24 } } } }))
    await queue.enqueueEach(
      {},
      {},
      { model: "other" },
      { model: "free" },
      { model: "free" },
      { model: "other" },
    )
    const { requests, wakeAt } = await queue.take()
    expect(requests.map(({ head }) => head.model)).toEqual(["gpt-test", "other", "free", "free", "other"])
    expect((await queue.take()).wakeAt).toBe(queue.clock() + msPerCall(12))
    expect(wakeAt).toBe(queue.clock() + msPerCall(12))
  })

  test("models may be called anything", async () => {
    const model = "Org/Model ünï:1;a|b - %20"
    const queue = open(withLimits({ openai: { models: { [model]: { concurrency: 1 } } } }))
    const [mine = ""] = await queue.enqueueEach({ model }, { model }, { model: "Org/Model" })
    const { requests } = await queue.take()
    expect(requests.map(({ target }) => target.model)).toEqual([model, "Org/Model"])
    expect((await queue.status(mine, null))?.model).toBe(model)
  })

  test("what may not start delays nothing that may: the order holds among the others", async () => {
    const queue = open(withLimits({ openai: { concurrency: 1 }, anthropic: { rpm: 12 } }))
    const [a, , b, , c, d] = await queue.enqueueEach(
      ...([{ priority: "critical" }, { priority: "critical" }] as const),
      ...([{ provider: "anthropic", priority: "high" }, { provider: "anthropic" }] as const),
      ...([{ provider: "deepseek" }, { provider: "deepseek", priority: "low" }] as const),
    )
    expect(idsOf(await queue.take())).toEqual([a, b, c, d])
  })

  test("what is over the limit of a claim is told only as far as it could start", async () => {
    const queue = open(withLimits({ openai: { concurrency: 3 }, anthropic: { rpm: 24 } }))
    await enqueueMany(queue, 6)
    await enqueueMany(queue, 6, { provider: "anthropic" })
    expect((await queue.take({ limit: 0 })).remaining).toBe(5)
    expect((await queue.take({ limit: 1 })).remaining).toBe(4)
    expect((await queue.take()).remaining).toBe(0)
  })

  test("a claim whose answer was lost has taken its share once", async () => {
    const queue = open(withLimits({ openai: { rpm: 36 } }))
    await enqueueMany(queue, 5)
    loseAnswerOf("claim")
    expect((await queue.take({ limit: 1 })).requests).toHaveLength(1)
    expect((await queue.take()).requests).toHaveLength(2)
  })

  test("rpm: the bucket of a slow model fills however often others are called meanwhile", async () => {
    const queue = open(withLimits({ openai: { rpm: 60_000, models: { slow: { rpm: 1 } } } }))
    await queue.enqueueEach({ model: "slow" }, { model: "slow" }, ...many(40))
    const { wakeAt } = await queue.take({ limit: 2 })
    for (let i = 0; i < 30; i++) {
      queue.clock.advance(30)
      expect((await queue.takeOne()).head.model).not.toBe("slow")
    }
    expect((await queue.take({ limit: 1 })).wakeAt).toBe(wakeAt)
  })
})
