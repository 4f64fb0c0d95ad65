import { expect, test } from "vitest"
import type { WeightedTarget } from "../../src/core/request.ts"
import type { TargetReport } from "../../src/queue/contract.ts"
import { idsOf, providersOf, withLimits } from "../helpers/claims.ts"
import { CLAIM, type RequestOverrides, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const to = (provider: string, weight = 1): WeightedTarget => ({ provider, model: `${provider}-mini`, weight })

/** A request of the route `fast`. */
function routed(route: WeightedTarget[], more: RequestOverrides = {}): RequestOverrides {
  return { provider: "auto", model: "fast", route, ...more }
}

const BOTH = [to("openai"), to("anthropic")]

const count = (names: string[], name: string) => names.filter((each) => each === name).length

/** Ways in which openai may not be called. */
const SHUT: [string, (queue: TestQueue) => Promise<unknown>][] = [
  ["paused", (queue) => queue.setPaused("openai", true)],
  ["rate limited", (queue) => tellOfOpenai(queue, { blockedUntil: queue.clock() + 60_000 })],
  ["refusing the account", (queue) => tellOfOpenai(queue, { health: "account" })],
]

/** A plain call of openai tells this of it. */
async function tellOfOpenai(queue: TestQueue, report: Partial<TargetReport>): Promise<void> {
  await queue.enqueueEach({ priority: "critical", model: "openai-mini" })
  await queue.settle([settlement(await queue.takeOne(), "completed", { report })])
}

describeQueue("a route", ({ kind, open }) => {
  test("has a line of its own; its request says what was asked for, its claim whom to call", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach(routed(BOTH))
    expect(await queue.redis.zRange(queue.keys.line("auto/fast"), 0, -1)).toEqual([id])
    const asked = { provider: "auto", model: "fast" }
    expect(await queue.status(id, null)).toMatchObject({ ...asked, state: "pending", position: 1 })
    expect((await queue.stats()).counts.pending).toBe(1)
    const claimed = await queue.takeOne()
    expect(claimed.head).toMatchObject(asked)
    expect(BOTH.map(({ weight: _, ...target }) => target)).toContainEqual(claimed.target)
    expect(claimed).toMatchObject({ hasAlternative: true, timeouts: 0 })
    const { providers } = await queue.stats()
    expect(providers[claimed.target.provider]?.inFlight).toBe(1)
    await queue.settle([settlement(claimed, "completed")])
    expect(await queue.status(id, null)).toMatchObject({ ...asked, attempts: [claimed.target] })
  })

  test("shares its requests by weight, claimed one by one", async () => {
    const size = kind === "redis" ? 400 : 80
    const queue = open()
    const route = [to("openai", 3), to("anthropic", 1)]
    await queue.enqueue(Array.from({ length: size }, () => queue.newRequest(routed(route))))
    const chosen: string[] = []
    for (let i = 0; i < size; i++) {
      const claimed = await queue.takeOne()
      chosen.push(claimed.target.provider)
      await queue.settle([settlement(claimed, "completed")])
    }
    expect(Math.abs(count(chosen, "openai") - 0.75 * size)).toBeLessThanOrEqual(2)
    // Not first one and then the other.
    for (let i = 0; i + 8 <= size; i += 8) {
      const some = count(chosen.slice(i, i + 8), "anthropic")
      expect(some).toBeGreaterThanOrEqual(1)
      expect(some).toBeLessThanOrEqual(3)
    }
  })

  test("shares them by weight within one claim, and among three", async () => {
    const queue = open()
    const route = [to("openai", 5), to("anthropic", 3), to("deepseek", 2)]
    await queue.enqueue(Array.from({ length: 100 }, () => queue.newRequest(routed(route))))
    const chosen = providersOf(await queue.take())
    for (const { provider, weight } of route)
      expect(Math.abs(count(chosen, provider) - 10 * weight)).toBeLessThanOrEqual(1)
  })

  test("uses what capacity there is: a full target leaves the rest to the others", async () => {
    const queue = open(withLimits({ openai: { concurrency: 2 }, anthropic: { concurrency: 5 } }))
    await queue.enqueue(Array.from({ length: 10 }, () => queue.newRequest(routed(BOTH))))
    const chosen = providersOf(await queue.take())
    expect([count(chosen, "openai"), count(chosen, "anthropic")]).toEqual([2, 5])
    expect(await queue.take()).toMatchObject({ requests: [] })
  })

  test("goes where there is more room", async () => {
    const queue = open(withLimits({ openai: { concurrency: 10 }, anthropic: { concurrency: 10 } }))
    await queue.enqueueEach(...Array.from({ length: 8 }, () => ({})))
    await queue.take()
    await queue.enqueueEach(...Array.from({ length: 5 }, () => routed(BOTH)))
    const chosen = providersOf(await queue.take())
    expect(count(chosen, "anthropic")).toBeGreaterThanOrEqual(4)
  })

  test.each(SHUT)("leaves out a target that is %s", async (_, shut) => {
    const queue = open()
    await shut(queue)
    await queue.enqueueEach(...Array.from({ length: 4 }, () => routed(BOTH)))
    expect(providersOf(await queue.take())).toEqual(Array(4).fill("anthropic"))
  })

  test("waits when all its targets are shut, until the first of them opens", async () => {
    const queue = open()
    const until = queue.clock() + 60_000
    await tellOfOpenai(queue, { blockedUntil: until })
    await queue.setPaused("anthropic", true)
    const [id] = await queue.enqueueEach(routed(BOTH))
    const { requests, wakeAt, remaining } = await queue.take()
    expect({ requests, remaining }).toEqual({ requests: [], remaining: 0 })
    expect(wakeAt).toBeLessThanOrEqual(until)
    queue.clock.set(until)
    expect(idsOf(await queue.take())).toEqual([id])
  })

  test("competes by score with the plain requests of its targets, for their capacity", async () => {
    const queue = open(withLimits({ openai: { concurrency: 1 } }))
    const only = [to("openai")]
    const [older, , newer] = await queue.enqueueEach(routed(only), { priority: "low" }, routed(only))
    for (const id of [older, newer]) {
      const claim = await queue.take()
      expect(idsOf(claim)).toEqual([id])
      await queue.settle(claim.requests.map((each) => settlement(each, "completed")))
    }
    expect(providersOf(await queue.take())).toEqual(["openai"])
  })

  test("and the order holds over all lines", async () => {
    const queue = open()
    const fallbacks = [{ provider: "anthropic", model: "x" }]
    const [a, b, c, d, e] = await queue.enqueueEach(
      ...[{}, routed(BOTH, { priority: "high" }), { provider: "anthropic", priority: "critical" } as const],
      ...[{ fallbacks, priority: "high" } as const, routed(BOTH, { model: "other", priority: "low" })],
    )
    expect(idsOf(await queue.take())).toEqual([c, b, d, a, e])
  })

  test("one that does not fit anywhere does not hold up the line's others for good", async () => {
    const models = { "openai-mini": { concurrency: 1 } }
    const queue = open(withLimits({ openai: { models } }))
    const [first, , third] = await queue.enqueueEach(
      ...[routed([to("openai")]), routed([to("openai")]), routed([to("anthropic")])],
    )
    expect(idsOf(await queue.take())).toEqual([first, third])
  })

  test("trouble of a target counts for its provider's breaker", async () => {
    const queue = open()
    await queue.enqueueEach(...Array.from({ length: 6 }, () => routed([to("openai")])))
    const { requests } = await queue.take({ limit: 5 })
    const trouble = { dueAt: queue.clock() + 1, report: { health: "trouble" } } as const
    const { claim } = await queue.turn(
      requests.map((each) => settlement(each, "retry", trouble)),
      CLAIM,
    )
    expect(claim.requests).toEqual([])
    expect((await queue.health()).troubled).toEqual(["openai"])
  })

  test("a model may be called anything", async () => {
    const models = ["a/b c|d", "e;f:1,g%20 ü"]
    const queue = open()
    const [id = ""] = await queue.enqueueEach(
      routed(models.map((model) => ({ provider: "openai", model, weight: 1 }))),
    )
    const first = await queue.takeOne()
    expect(models).toContain(first.target.model)
    const report = { health: "trouble" } as const
    await queue.settle([settlement(first, "retry", { dueAt: queue.clock(), report })])
    const second = await queue.takeOne()
    expect([first, second].map(({ target }) => target.model).toSorted()).toEqual(models.toSorted())
    expect((await queue.status(id, null))?.attempts).toMatchObject([first.target])
  })

  test("a request that a claim has to leave takes nobody's turn", async () => {
    const queue = open()
    await queue.enqueueEach({ ...routed(BOTH), timeoutMs: 500_000 })
    await queue.enqueue(Array.from({ length: 8 }, () => queue.newRequest(routed(BOTH))))
    const chosen: string[] = []
    for (let i = 0; i < 8; i++)
      chosen.push(...providersOf(await queue.take({ limit: 1, maxTimeoutMs: 60_000 })))
    expect(count(chosen, "openai")).toBe(4)
    expect(count(chosen, "anthropic")).toBe(4)
  })
})
