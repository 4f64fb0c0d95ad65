import { expect, test } from "vitest"
import { CLAIM, settlement } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

/** Processes are configured differently while a deploy is under way, and a removed provider strands nothing. */
describeQueue("lines that a process does not know", ({ open, store }) => {
  test("cost one more round trip, once", async () => {
    const queue = open({ settings: { providers: ["local-llm"] } })
    const [id = ""] = await queue.enqueueEach({ provider: "local-llm" })
    const stranger = queue.sibling({ settings: { providers: ["openai"] } })
    const trips = async (run: () => Promise<unknown>) => {
      store().bridge.counters.reset()
      await run()
      return store().bridge.counters.requests
    }
    expect(await trips(() => stranger.status(id, null))).toBe(2)
    expect(await trips(() => stranger.status(id, null))).toBe(1)
    expect(await trips(() => stranger.stats())).toBe(1)
    const another = queue.sibling({ settings: { providers: ["openai"] } })
    expect(await trips(() => another.enqueueEach({}))).toBe(2)
    expect(await trips(() => another.take({ limit: 0 }))).toBe(1)
  })

  test("are met by many calls at once, and all of them come again", async () => {
    const queue = open({ settings: { providers: ["local-a", "local-b"] } })
    const [a = "", b = "", c = ""] = await queue.enqueueEach(
      ...([{ provider: "local-a" }, { provider: "local-b" }, { provider: "local-b" }] as const),
    )
    const claimed = await queue.takeOne()
    const stranger = queue.sibling({ settings: { providers: ["openai"] } })
    const [status, stats, enqueued, cancelled, settled, claim, listed, second] = await Promise.all([
      stranger.status(b, null),
      stranger.stats(),
      stranger.enqueue([stranger.newRequest()]),
      stranger.cancel(c, null),
      stranger.settle([settlement(claimed, "completed")]),
      stranger.claim({ ...CLAIM, limit: 0 }),
      stranger.list({ state: null, organizationId: "org-1", limit: 10, cursor: null }),
      stranger.status(b, null),
    ])
    expect(status).toMatchObject({ state: "pending" })
    expect(second).toEqual(status)
    expect(Object.keys(stats.pendingByProvider).sort()).toEqual(["local-a", "local-b", "openai"])
    expect(enqueued).toMatchObject([{ state: "pending", position: 1 }])
    expect(cancelled.kind).toBe("cancelled")
    expect(settled).toEqual(["settled"])
    expect(claim).toMatchObject({ requests: [], overdue: [] })
    expect(listed.data.map(({ requestId }) => requestId)).toEqual(expect.arrayContaining([a, b, c]))
  })

  test("may be many", async () => {
    const providers = Array.from({ length: 30 }, (_, i) => `local-${i}`)
    const queue = open({ settings: { providers } })
    await queue.enqueue(providers.map((provider) => queue.newRequest({ provider })))
    const stranger = queue.sibling({ settings: { providers: ["openai"] } })
    expect((await stranger.stats()).counts.pending).toBe(30)
    expect((await queue.take()).requests).toHaveLength(30)
  })
})
