import { expect, test } from "vitest"
import { withLimits } from "../helpers/claims.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const NONE = { concurrency: null, rpm: null, tpm: null }

async function detailsOf(queue: TestQueue, name: string) {
  const details = (await queue.providers()).find((each) => each.name === name)
  if (details === undefined) throw new Error(`${name} is not shown`)
  return details
}

describeQueue("limits that change while the queue runs", ({ open, store }) => {
  test("hold for every process at once, until they are changed again", async () => {
    const queue = open(withLimits({ openai: { concurrency: 5, rpm: 600 } }))
    const other = queue.sibling(withLimits({ openai: { concurrency: 50 } }))
    await queue.enqueueEach({}, {}, {}, {})
    const limits = { ...NONE, concurrency: 2, rpm: 600, models: {} }
    expect(await queue.setLimits("openai", { concurrency: 2 })).toEqual(limits)
    expect((await other.take()).requests).toHaveLength(2)
    expect(await detailsOf(other, "openai")).toMatchObject(limits)
    expect(await other.setLimits("openai", { concurrency: null, tpm: 5000 })).toEqual({
      ...{ concurrency: null, rpm: 600, tpm: 5000, models: {} },
    })
    await queue.setLimits("openai", { tpm: null })
    expect((await queue.take()).requests).toHaveLength(2)
  })

  test("of models: set, changed, lifted and removed, each without touching the others", async () => {
    const queue = open(withLimits({ openai: { rpm: 600, models: { a: { rpm: 60 }, b: { rpm: 120 } } } }))
    const a = { ...NONE, rpm: 60 }
    expect(await queue.setLimits("openai", { models: { c: { concurrency: 3 }, b: { tpm: 9000 } } })).toEqual({
      ...{ ...NONE, rpm: 600 },
      models: { a, b: { ...NONE, rpm: 120, tpm: 9000 }, c: { ...NONE, concurrency: 3 } },
    })
    expect(
      (await queue.setLimits("openai", { models: { b: null, c: { concurrency: null } } })).models,
    ).toEqual({ a, c: NONE })
    await queue.setLimits("openai", { models: { a: null, c: { concurrency: 1 } } })
    await queue.enqueueEach(...["c", "c", "a", "a"].map((model) => ({ model })))
    const { requests } = await queue.take()
    expect(requests.map(({ target }) => target.model)).toEqual(["c", "a", "a"])
  })

  test("of one provider say nothing of another's", async () => {
    const queue = open(
      withLimits({ openai: { rpm: 600 }, anthropic: { rpm: 60, models: { b: { tpm: 9 } } } }),
    )
    await queue.setLimits("openai", { rpm: 12 })
    const { rpm, models } = await detailsOf(queue, "anthropic")
    expect({ rpm, models }).toEqual({ rpm: 60, models: { b: { ...NONE, tpm: 9 } } })
    expect(await detailsOf(queue, "deepseek")).toMatchObject({ ...NONE, models: {} })
  })

  test("lowered: what is in flight goes on, nothing starts until there is room", async () => {
    const queue = open()
    await queue.enqueueEach({}, {}, {}, {}, {})
    const { requests } = await queue.take({ limit: 4 })
    await queue.setLimits("openai", { concurrency: 2 })
    const [one, two, three] = requests.map((each) => settlement(each, "completed"))
    if (!one || !two || !three) throw new Error("not all were claimed")
    await queue.settle([one, two])
    expect((await queue.take()).requests).toEqual([])
    await queue.settle([three])
    expect((await queue.take()).requests).toHaveLength(1)
  })

  test("a rate that is lowered takes back what had been saved up; one that is raised gives nothing at once", async () => {
    const queue = open(withLimits({ openai: { rpm: 120 } }))
    await queue.enqueue(Array.from({ length: 40 }, () => queue.newRequest()))
    expect((await queue.take({ limit: 1 })).requests).toHaveLength(1)
    await queue.setLimits("openai", { rpm: 24 })
    expect((await queue.take()).requests).toHaveLength(2)
    await queue.setLimits("openai", { rpm: 1200 })
    expect((await queue.take()).requests).toEqual([])
    queue.clock.advance(1000)
    expect((await queue.take()).requests).toHaveLength(19)
  })

  test("a call that ends after its limit was lifted, or set, harms nobody", async () => {
    const queue = open(withLimits({ openai: { tpm: 12_000 } }))
    const options = { max_tokens: 500 }
    await queue.enqueueEach({ options }, { options }, { options })
    const first = await queue.takeOne()
    await queue.setLimits("openai", { tpm: null })
    const second = await queue.takeOne()
    const used = { report: { usedTokens: 7 } }
    expect(await queue.settle([settlement(first, "completed", used)])).toEqual(["settled"])
    await queue.setLimits("openai", { tpm: 12_000 })
    expect(await queue.settle([settlement(second, "completed", used)])).toEqual(["settled"])
    expect((await queue.take()).requests).toHaveLength(1)
  })

  test("a debt is no more than a minute of the limit that holds now", async () => {
    const queue = open(withLimits({ openai: { tpm: 1_200_000 } }))
    await queue.enqueueEach({}, {})
    const report = { usedTokens: 1_000_000 }
    await queue.settle([settlement(await queue.takeOne(), "completed", { report })])
    await queue.setLimits("openai", { tpm: 12_000 })
    expect((await queue.take()).requests).toEqual([])
    queue.clock.advance(66_000)
    expect((await queue.take()).requests).toHaveLength(1)
  })

  test("changes at the same time are all kept, also when an answer is lost", async () => {
    const queue = open()
    const other = queue.sibling()
    store().bridge.faults.inject({ fault: "drop", when: "after", contains: "limits:openai", times: 1 })
    await Promise.all([
      queue.setLimits("openai", { rpm: 60 }),
      other.setLimits("openai", { tpm: 9000 }),
      queue.setLimits("openai", { models: { a: { concurrency: 1 } } }),
    ])
    expect(await detailsOf(queue, "openai")).toMatchObject({
      ...{ concurrency: null, rpm: 60, tpm: 9000, models: { a: { ...NONE, concurrency: 1 } } },
    })
  })

  test("providers are shown as they stand", async () => {
    const queue = open(withLimits({ openai: { rpm: 600, models: { "a b/c": { tpm: 9000 } } } }))
    await queue.enqueueEach({}, {}, {}, { scheduledAt: queue.clock() + 1000 }, { provider: "anthropic" })
    await queue.takeOne()
    await queue.setPaused("anthropic", true)
    const fine = { blockedUntil: null, breaker: "closed", cause: null, paused: false }
    expect(await queue.providers()).toEqual([
      {
        ...{ name: "openai", ...NONE, rpm: 600, models: { "a b/c": { ...NONE, tpm: 9000 } } },
        ...{ ...fine, inFlight: 1, pending: 2 },
      },
      { name: "anthropic", ...NONE, models: {}, ...fine, inFlight: 0, pending: 1, paused: true },
      { name: "deepseek", ...NONE, models: {}, ...fine, inFlight: 0, pending: 0 },
    ])
  })

  test("cost what the contract says", async () => {
    const queue = open()
    const trips = async (run: () => Promise<unknown>) => {
      store().bridge.counters.reset()
      await run()
      return store().bridge.counters.requests
    }
    expect(await trips(() => queue.providers())).toBe(1)
    expect(await trips(() => queue.setLimits("openai", { rpm: 60 }))).toBe(2)
    expect(await trips(() => queue.setPaused("openai", false))).toBe(1)
    expect(await trips(() => queue.setWeight("org-1", 3))).toBe(1)
  })

  test("of a hundred models at most, for each claim reads them all", async () => {
    const queue = open()
    const named = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`model-${i}`, { rpm: 60 }]))
    await queue.setLimits("openai", { models: named(100) })
    await expect(queue.setLimits("openai", { models: { another: { rpm: 60 } } })).rejects.toMatchObject({
      code: "invalid_request",
    })
    await queue.setLimits("openai", { models: { "model-0": null, another: { rpm: 60 } } })
  })
})
