import { expect, test } from "vitest"
import type { Quota } from "../../src/core/limits.ts"
import { idsOf, withLimits } from "../helpers/claims.ts"
import { CLAIM, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const MINUTE_MS = 60_000

async function enqueueMany(queue: TestQueue, count: number, overrides = {}): Promise<void> {
  await queue.enqueue(Array.from({ length: count }, () => queue.newRequest(overrides)))
}

/** Settles the next request, whose answer tells of an allowance. */
async function tell(queue: TestQueue, told: { requests?: Quota; tokens?: Quota }): Promise<void> {
  const quotas = { requests: null, tokens: null, ...told }
  await queue.settle([settlement(await queue.takeOne(), "completed", { report: { quotas } })])
}

describeQueue("what a vendor tells of its limits", ({ open }) => {
  test("is kept without any that are set: so many calls as remain, then as they come back", async () => {
    const queue = open()
    await enqueueMany(queue, 80)
    const told = queue.clock()
    const quota = { limit: 63, remaining: 3, fullAt: told + MINUTE_MS }
    await tell(queue, { requests: quota })
    expect((await queue.take()).requests).toHaveLength(3)
    // One a second.
    expect(await queue.take()).toMatchObject({ requests: [], wakeAt: told + 1000, remaining: 0 })
    queue.clock.set(told + 999)
    expect((await queue.take()).requests).toEqual([])
    queue.clock.set(told + 1000)
    expect((await queue.take()).requests).toHaveLength(1)
    queue.clock.set(told + 11_000)
    expect((await queue.take()).requests).toHaveLength(10)
  })

  test("is over at the time that was told: then nothing is known", async () => {
    const queue = open()
    await enqueueMany(queue, 30)
    const fullAt = queue.clock() + MINUTE_MS
    await tell(queue, { requests: { limit: 5, remaining: 0, fullAt } })
    expect((await queue.take()).requests).toEqual([])
    queue.clock.set(fullAt + 1)
    expect((await queue.take()).requests).toHaveLength(29)
  })

  // Fails: the rate of filling is reckoned from what the vendor says remains, not from our own lower count, so that the
  // bucket is not whole at `fullAt`; calls that use far less than their estimate then bring a line to a stop.
  test("is over then also when the calls used far less than was reckoned for them", async () => {
    const queue = open()
    await enqueueMany(queue, 40, { options: { max_tokens: 1000 } })
    for (let calls = 1; calls <= 25; calls++) {
      const fullAt = queue.clock() + 1000
      await tell(queue, { tokens: { limit: 30_000, remaining: 30_000 - 10 * calls, fullAt } })
    }
    queue.clock.advance(1001)
    expect((await queue.take()).requests).toHaveLength(15)
  })

  test("never lets more start than remain and come back", async () => {
    const queue = open()
    await enqueueMany(queue, 200)
    const told = queue.clock()
    await tell(queue, { requests: { limit: 100, remaining: 10, fullAt: told + MINUTE_MS } })
    let started = 0
    for (let second = 0; second < 60; second += 7) {
      queue.clock.set(told + second * 1000)
      const { requests } = await queue.take()
      started += requests.length
      expect(started).toBeLessThanOrEqual(10 + 1.5 * second)
      expect(started).toBeGreaterThanOrEqual(Math.floor(10 + 1.5 * second) - 1)
    }
  })

  test("holds for the model that it was told of", async () => {
    const queue = open()
    await queue.enqueueEach({}, {}, { model: "another" }, { provider: "anthropic" })
    await tell(queue, { requests: { limit: 10, remaining: 0, fullAt: queue.clock() + MINUTE_MS } })
    const { requests } = await queue.take()
    expect(requests.map(({ target }) => target.model)).toEqual(["another", "gpt-test"])
    expect(requests.map(({ target }) => target.provider)).toEqual(["openai", "anthropic"])
  })

  test("of tokens closes the way for an estimate beyond what remains, and only that far", async () => {
    const queue = open()
    const asking = (tokens: number) => ({ options: { max_tokens: tokens } })
    const ids = await queue.enqueueEach(asking(10), asking(500), asking(5000), asking(10))
    await tell(queue, { tokens: { limit: 60_000, remaining: 1000, fullAt: queue.clock() + 59_000 } })
    expect(idsOf(await queue.take())).toEqual([ids[1]])
    // Smaller ones do not overtake it.
    queue.clock.advance(1000)
    expect((await queue.take()).requests).toEqual([])
    queue.clock.advance(4000)
    expect(idsOf(await queue.take())).toEqual([ids[2], ids[3]])
  })

  test("may be older than what is known here: calls in flight are not forgotten", async () => {
    const queue = open()
    await enqueueMany(queue, 20)
    const fullAt = queue.clock() + MINUTE_MS
    const [one, two] = (await queue.take({ limit: 2 })).requests
    if (!one || !two) throw new Error("not all were claimed")
    const quotas = (remaining: number) => ({
      report: { quotas: { requests: { limit: 100, remaining, fullAt }, tokens: null } },
    })
    await queue.settle([settlement(one, "completed", quotas(5))])
    expect((await queue.take()).requests).toHaveLength(5)
    const { claim } = await queue.turn([settlement(two, "completed", quotas(6))], CLAIM)
    expect(claim.requests).toEqual([])
  })

  test("that is told when it is over does not undo a newer one", async () => {
    const queue = open()
    await queue.enqueueEach({}, {}, {})
    const [first, second] = (await queue.take({ limit: 2 })).requests
    if (!first || !second) throw new Error("not all were claimed")
    const quotas = (fullAt: number) => ({ requests: { limit: 100, remaining: 0, fullAt }, tokens: null })
    const earlier = settlement(first, "completed", { report: { quotas: quotas(queue.clock() + 500) } })
    queue.clock.advance(600)
    const report = { quotas: quotas(queue.clock() + MINUTE_MS) }
    await queue.settle([settlement(second, "completed", { report })])
    await queue.settle([earlier])
    expect((await queue.take()).requests).toEqual([])
  })

  test("with nothing used says nothing", async () => {
    const queue = open()
    await enqueueMany(queue, 10)
    await tell(queue, { requests: { limit: 5, remaining: 5, fullAt: queue.clock() } })
    expect((await queue.take()).requests).toHaveLength(9)
  })

  test("and what is set: both hold", async () => {
    const queue = open(withLimits({ openai: { rpm: 48 } }))
    await enqueueMany(queue, 10)
    const fullAt = queue.clock() + MINUTE_MS
    await tell(queue, { requests: { limit: 1000, remaining: 900, fullAt } })
    expect((await queue.take()).requests).toHaveLength(3)
    queue.clock.advance(MINUTE_MS)
    await tell(queue, { requests: { limit: 1000, remaining: 1, fullAt: queue.clock() + 600_000 } })
    expect((await queue.take()).requests).toHaveLength(1)
  })
})
