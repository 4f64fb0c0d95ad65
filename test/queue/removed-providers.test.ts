import { expect, test } from "vitest"
import type { WeightedTarget } from "../../src/core/request.ts"
import { idsOf, providersOf } from "../helpers/claims.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const CLAUDE = { provider: "anthropic", model: "claude" }
const route = (...providers: string[]): { provider: string; model: string; route: WeightedTarget[] } => ({
  ...{ provider: "auto", model: "fast" },
  route: providers.map((provider) => ({ provider, model: `${provider}-mini`, weight: 1 })),
})

/** A process that was started with fewer providers, or others. */
const knowing = (queue: TestQueue, ...providers: string[]) => queue.sibling({ settings: { providers } })

describeQueue("a provider that is no longer configured", ({ open }) => {
  test("strands nothing that may go elsewhere", async () => {
    const queue = open()
    const ids = await queue.enqueueEach({ fallbacks: [CLAUDE] }, route("openai", "anthropic"))
    const claim = await knowing(queue, "anthropic").take()
    expect(idsOf(claim)).toEqual(ids)
    expect(providersOf(claim)).toEqual(["anthropic", "anthropic"])
  })

  test("leaves what asks for nothing else where it is, for everybody to see", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({}, route("openai"))
    const other = knowing(queue, "anthropic")
    expect(await other.take()).toMatchObject({ requests: [], remaining: 0 })
    const health = await other.health()
    expect(health.unservedLines).toContain("openai")
    expect(health).toMatchObject({ status: "degraded", backlog: 2 })
    expect((await other.status(id, null))?.position).toBe(1)
    expect((await other.stats()).counts.pending).toBe(2)
    expect((await queue.health()).unservedLines).toEqual([])
    expect((await queue.take()).requests).toHaveLength(2)
    expect((await other.health()).unservedLines).toEqual([])
  })

  test("the line of a route without a target left is told of once claims have found nothing in it for a while", async () => {
    const queue = open()
    const route = [{ provider: "openai", model: "gpt-test", weight: 1 }]
    await queue.enqueue([queue.newRequest({ provider: "auto", model: "fast", route })])
    const other = knowing(queue, "anthropic")
    for (let minute = 0; minute < 3; minute++) {
      expect((await other.take()).requests).toEqual([])
      expect((await other.health()).unservedLines).toEqual([])
      other.clock.advance(60_000)
    }
    await other.take()
    expect(await other.health()).toMatchObject({ status: "degraded", unservedLines: ["auto/fast"] })
    expect((await queue.take()).requests).toHaveLength(1)
    expect((await other.health()).unservedLines).toEqual([])
  })

  test("a lease for it still ends, and goes on elsewhere", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({ fallbacks: [CLAUDE] })
    const { lease } = await queue.takeOne()
    const other = knowing(queue, "anthropic")
    other.clock.set(lease.expiresAt)
    expect(await other.takeOne()).toMatchObject({ lease: { requestId: id, attempt: 2 }, target: CLAUDE })
  })

  test("whoever does not know the provider of a call can still look at it, extend, settle and cancel", async () => {
    const queue = open({ settings: { providers: ["local-llm"] } })
    const ids = await queue.enqueueEach(route("local-llm"), route("local-llm"), route("local-llm"))
    const [one, two, three] = (await queue.take()).requests
    if (!one || !two || !three) throw new Error("not all were claimed")
    const stranger = () => knowing(queue, "openai")
    expect(await stranger().status(ids[0] ?? "", null)).toMatchObject({ state: "processing" })
    expect(await stranger().extend(one.lease, one.lease.expiresAt + 1000)).toBe(true)
    expect((await stranger().lookAtLeases([one.lease])).lost).toEqual([])
    expect(await stranger().cancel(one.lease.requestId, null)).toMatchObject({
      kind: "cancelled",
      attempt: 1,
    })
    expect(await stranger().settle([settlement(two, "completed")])).toEqual(["settled"])
    expect((await stranger().stats()).providers["local-llm"]?.inFlight).toBe(1)
    expect(await stranger().settle([settlement(three, "retry")])).toEqual(["settled"])
  })

  test("a route that has lost all its providers is known to be unserved, or its request is failed in time", async () => {
    const deadlineAt = Date.now() + 60_000
    const queue = open()
    const [id = ""] = await queue.enqueueEach({ ...route("openai"), deadlineAt })
    const other = knowing(queue, "anthropic")
    other.clock.set(deadlineAt)
    const { overdue } = await other.take()
    expect(overdue).toMatchObject([{ lease: { requestId: id }, reason: "deadline_exceeded" }])
    expect(await other.settle(overdue.map((each) => settlement(each, "failed")))).toEqual(["settled"])
  })
})
