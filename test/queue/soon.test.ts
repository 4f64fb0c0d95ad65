import { expect, test } from "vitest"
import { CLAIM, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

/** What a claim says that can start at once, and whom a drain must not call any more: docs/decisions/008. */
describeQueue("soon", ({ open }) => {
  const fill = async (queue: TestQueue, provider: string, count: number) => {
    await queue.enqueue(Array.from({ length: count }, () => queue.newRequest({ provider })))
  }
  const countOf = (claim: Awaited<ReturnType<TestQueue["take"]>>, provider: string) =>
    claim.requests.filter(({ target }) => target.provider === provider).length

  test.each([
    ["concurrency", { concurrency: 100, rpm: null, tpm: null }],
    ["rpm", { concurrency: null, rpm: 6000, tpm: null }],
    ["tpm", { concurrency: null, rpm: null, tpm: 10_000_000 }],
  ])(
    "of a provider with %s no more is handed out; the others' and what is left are told",
    async (_, limit) => {
      const queue = open({ settings: { limits: { openai: { ...limit, models: {} } } } })
      await fill(queue, "openai", 10)
      await fill(queue, "deepseek", 10)
      const claim = await queue.take({ limit: 20, soon: 3 })
      expect([countOf(claim, "openai"), countOf(claim, "deepseek")]).toEqual([3, 10])
      expect(claim.remaining).toBe(7)
      expect(countOf(await queue.take({ limit: 20, soon: 0 }), "openai")).toBe(0)
      expect(countOf(await queue.take({ limit: 20 }), "openai")).toBe(7)
    },
  )

  test("so it is once half of what a vendor allows is used up, and not before", async () => {
    const queue = open()
    await fill(queue, "openai", 20)
    const told = async (remaining: number) => {
      const quotas = { requests: { limit: 1000, remaining, fullAt: queue.clock() + 60_000 }, tokens: null }
      await queue.settle([settlement(await queue.takeOne(), "completed", { report: { quotas } })])
      return (await queue.take({ limit: 5, soon: 1 })).requests.length
    }
    expect(await told(900)).toBe(5)
    expect(await told(400)).toBe(1)
  })

  test("who is shut is told: paused, blocked, or with an open breaker, until its time is over", async () => {
    const queue = open()
    await fill(queue, "openai", 1)
    await fill(queue, "deepseek", 1)
    expect(await queue.shutProviders()).toEqual([])
    const { requests } = await queue.take()
    const at = queue.clock() + 5000
    for (const claimed of requests) {
      const report =
        claimed.target.provider === "openai" ? { health: "account" as const } : { blockedUntil: at }
      await queue.settle([settlement(claimed, "return", { report })])
    }
    await queue.setPaused("anthropic", true)
    expect(await queue.shutProviders()).toEqual(["openai", "anthropic", "deepseek"])
    queue.clock.advance(5000)
    expect(await queue.shutProviders()).toEqual(["openai", "anthropic"])
    await queue.setPaused("anthropic", false)
    queue.clock.advance(55_000)
    expect(await queue.shutProviders()).toEqual([])
    await queue.setPaused(null, true)
    expect(await queue.shutProviders()).toHaveLength(3)
  })

  test("when the last request has ended nothing is to come, and no drain is woken for its lease", async () => {
    const queue = open()
    await fill(queue, "openai", 2)
    const { requests, wakeAt } = await queue.take()
    expect(wakeAt).toBeGreaterThan(queue.clock())
    const done = requests.map((each) => settlement(each, "completed"))
    expect((await queue.turn(done, CLAIM)).claim).toMatchObject({ wakeAt: null, remaining: 0 })
  })
})
