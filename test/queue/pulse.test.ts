import { expect, test } from "vitest"
import { countCommands, countRoundTrips } from "../helpers/count.ts"
import { settlement } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const NONE = { critical: 0, high: 0, normal: 0, low: 0 }
const PROVIDER = {
  ...{ concurrency: null, rpm: null, tpm: null, models: {} },
  ...{ breaker: "closed", cause: null, troubledSince: null, blockedUntil: null, paused: false },
}

describeQueue("the pulse", ({ open, store, kind }) => {
  test("of an empty queue", async () => {
    const queue = open()
    const providers = { openai: PROVIDER, anthropic: PROVIDER, deepseek: PROVIDER }
    expect(await queue.pulse()).toEqual({
      ...{ at: queue.clock(), troubles: [], counts: { scheduled: 0, pending: 0, processing: 0 } },
      pendingByLine: { openai: NONE, anthropic: NONE, deepseek: NONE },
      ...{ backlogSince: null, stalledLines: [], lastClaimAt: null, paused: false },
      throughput: {
        ...{ enqueuedLastMinute: 0, completedLastMinute: 0, failedLastMinute: 0, retriedLastMinute: 0 },
      },
      ...{ waitMs: { p50: null, p95: null, p99: null }, providerMs: {}, attempts: {}, providers, lanes: [] },
      commands: expect.objectContaining({ budget: null }),
    })
  })

  test("counts what waits, what is under way, and what has come of it", async () => {
    const queue = open()
    const since = queue.clock()
    const fallbacks = [{ provider: "anthropic", model: "claude" }]
    await queue.enqueueEach({}, {}, { priority: "low" }, { fallbacks }, { scheduledAt: since + 60_000 })
    queue.clock.advance(1000)
    const first = await queue.takeOne({ owner: "lane-0:aa" })
    await queue.takeOne({ owner: "lane-0:aa" })
    await queue.settle([settlement(first, "completed", { finishedAt: first.startedAt + 500 })])
    const pulse = await queue.pulse()
    expect(pulse.attempts).toEqual({ openai: { completed: 1 } })
    expect(pulse.providerMs.openai?.p50).toBeGreaterThan(450)
    expect(pulse.counts).toEqual({ scheduled: 1, pending: 2, processing: 1 })
    const waiting = Object.values(pulse.pendingByLine).flatMap((levels) => Object.values(levels))
    expect(waiting.reduce((sum, count) => sum + count)).toBe(2)
    expect(pulse).toMatchObject({ backlogSince: since, lastClaimAt: queue.clock() })
    expect(pulse.throughput).toMatchObject({ enqueuedLastMinute: 5, completedLastMinute: 1 })
    expect(pulse.waitMs.p50).toBeGreaterThan(900)
    expect(pulse.lanes).toMatchObject([{ name: "lane-0", lastClaimAt: queue.clock() }])
    const { counts } = await queue.stats()
    expect(pulse.counts).toEqual({
      scheduled: counts.scheduled,
      ...{ pending: counts.pending, processing: counts.processing },
    })
  })

  test("costs two commands in one round trip, three in two with a line it has not met", async () => {
    const queue = open()
    await queue.enqueueEach({}, { scheduledAt: queue.clock() + 1000 })
    const other = queue.sibling({ settings: { providers: ["openai", "local-llm"] } })
    await other.enqueueEach({ provider: "local-llm" })
    for (const [trips, commands] of [
      [2, 3],
      [1, 2],
    ]) {
      let counted = 0
      const run = async () => {
        counted = await countRoundTrips(store().bridge, () => queue.pulse())
      }
      if (kind === "embedded") await run()
      else expect((await countCommands(queue.redis, run)).total).toBe(commands)
      expect(counted).toBe(trips)
    }
    expect((await queue.pulse()).pendingByLine["local-llm"]).toEqual({ ...NONE, normal: 1 })
  })

  test("learns lines for all that ask at once", async () => {
    const queue = open({ settings: { providers: ["local-llm"] } })
    await queue.enqueueEach({ provider: "local-llm" })
    const stranger = queue.sibling({ settings: { providers: ["openai"] } })
    const pulses = await Promise.all([stranger.pulse(), stranger.pulse(), stranger.pulse()])
    for (const { pendingByLine, counts } of pulses) {
      expect(pendingByLine["local-llm"]).toEqual({ ...NONE, normal: 1 })
      expect(counts).toEqual({ scheduled: 0, pending: 1, processing: 0 })
    }
  })

  test("tells since when a breaker has not been closed, through its probes", async () => {
    const queue = open()
    await queue.enqueueEach({}, {}, {})
    const openedAt = queue.clock()
    const refuse = async () => {
      const claimed = await queue.takeOne()
      const report = { health: "account" as const }
      await queue.settle([settlement(claimed, "return", { code: "provider_auth", report })])
    }
    await refuse()
    expect((await queue.pulse()).providers.openai).toMatchObject({
      ...{ breaker: "open", cause: "account", troubledSince: openedAt, blockedUntil: openedAt + 60_000 },
    })
    queue.clock.advance(60_000)
    expect((await queue.pulse()).providers.openai).toMatchObject({
      ...{ breaker: "half_open", troubledSince: openedAt, blockedUntil: null },
    })
    await refuse()
    const { providers, troubles } = await queue.pulse()
    expect(providers.openai).toMatchObject({ breaker: "open", troubledSince: openedAt })
    expect(troubles[0]).toMatchObject({ code: "provider_account", provider: "openai", since: openedAt })
    await queue.setPaused("openai", false)
    expect((await queue.pulse()).providers.openai).toMatchObject(PROVIDER)
  })

  test("misses whoever drains, though others look after due and expired requests", async () => {
    const queue = open()
    await queue.enqueueEach({}, {})
    await queue
      .takeOne({ owner: "lane-0:aa" })
      .then((claimed) => queue.settle([settlement(claimed, "failed")]))
    const claimedAt = queue.clock()
    for (let minute = 1; minute <= 4; minute++) {
      queue.clock.advance(60_000)
      await queue.take({ owner: `look:${minute}`, limit: 0 })
      const { lastClaimAt, troubles } = await queue.pulse()
      expect(lastClaimAt).toBe(claimedAt)
      expect(troubles.map(({ code }) => code)).toEqual(minute < 3 ? [] : ["no_drain"])
    }
    await queue.take({ owner: "tick:bb", limit: 1 })
    expect((await queue.pulse()).troubles).toEqual([])
  })

  test("shows limits as they are in force, and what is paused", async () => {
    const queue = open({
      settings: { limits: { openai: { concurrency: 5, rpm: null, tpm: null, models: {} } } },
    })
    await queue.setLimits("anthropic", { rpm: 60, models: { claude: { tpm: 1000 } } })
    await queue.setPaused("deepseek", true)
    const { providers, troubles } = await queue.pulse()
    expect(providers).toMatchObject({
      openai: { concurrency: 5, rpm: null },
      anthropic: { rpm: 60, models: { claude: { concurrency: null, rpm: null, tpm: 1000 } } },
      deepseek: { paused: true },
    })
    expect(troubles).toMatchObject([{ code: "provider_paused", provider: "deepseek" }])
    await queue.setPaused(null, true)
    expect((await queue.pulse()).troubles).toMatchObject([{ code: "queue_paused" }])
  })

  test("names the lines in which nothing starts though claims look", async () => {
    const queue = open()
    await queue.setPaused("openai", true)
    await queue.enqueueEach({})
    for (let minute = 0; minute < 5; minute++) {
      await queue.take()
      queue.clock.advance(60_000)
    }
    expect((await queue.pulse()).stalledLines).toEqual(["openai"])
  })
})
