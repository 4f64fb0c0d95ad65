import { expect, test } from "vitest"
import { settlement } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

describeQueue("a pause", ({ open, loseAnswerOf, store }) => {
  test("of the queue: nothing is claimed, what is in flight finishes, time goes on", async () => {
    const queue = open()
    const [running = "", waiting = "", later = ""] = await queue.enqueueEach(
      ...[{}, { provider: "anthropic" }, { scheduledAt: queue.clock() + 1000 }],
    )
    const claimed = await queue.takeOne()
    store().bridge.faults.inject({ fault: "drop", when: "after", times: 1 })
    await queue.setPaused(null, true)
    await queue.setPaused(null, true)
    queue.clock.advance(1000)
    expect(await queue.take()).toMatchObject({ requests: [], remaining: 0 })
    expect(await queue.settle([settlement(claimed, "completed")])).toEqual(["settled"])
    expect((await queue.status(running, null))?.state).toBe("completed")
    expect((await queue.status(later, null))?.state).toBe("pending")
    const [accepted = ""] = await queue.enqueueEach({})
    for (const provider of Object.values((await queue.stats()).providers)) expect(provider.paused).toBe(true)
    await queue.setPaused(null, false)
    const { requests } = await queue.take()
    expect(requests.map(({ head }) => head.requestId)).toEqual([waiting, later, accepted])
  })

  test("of a provider leaves the others alone, and outlasts one of the queue", async () => {
    const queue = open()
    await queue.enqueueEach({}, { provider: "anthropic" })
    await queue.setPaused("openai", true)
    await queue.setPaused(null, true)
    expect((await queue.take()).requests).toEqual([])
    await queue.setPaused(null, false)
    expect((await queue.take()).requests.map(({ head }) => head.provider)).toEqual(["anthropic"])
    const { providers } = await queue.stats()
    expect([providers.openai?.paused, providers.anthropic?.paused]).toEqual([true, false])
    loseAnswerOf("claim")
    expect((await queue.take()).requests).toEqual([])
    await queue.setPaused("openai", false)
    expect((await queue.take()).requests.map(({ head }) => head.provider)).toEqual(["openai"])
  })

  test("holds for every process, and for lines that are not configured here", async () => {
    const queue = open({ settings: { providers: ["openai"] } })
    const other = queue.sibling({ settings: { providers: ["local-llm"] } })
    await other.enqueueEach({ provider: "local-llm" })
    await queue.setPaused("local-llm", true)
    expect((await other.take()).requests).toEqual([])
    await queue.setPaused("local-llm", false)
    expect((await other.take()).requests).toHaveLength(1)
  })
})
