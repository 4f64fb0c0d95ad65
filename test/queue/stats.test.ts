import { expect, test } from "vitest"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const NO_PERCENTILES = { p50: null, p95: null, p99: null }

async function settleNext(queue: TestQueue, kind: "completed" | "failed" | "retry", providerMs = 0) {
  const claimed = await queue.takeOne()
  const finishedAt = claimed.startedAt + providerMs
  await queue.settle([settlement(claimed, kind, { finishedAt, dueAt: queue.clock() + 3_600_000 })])
}

describeQueue("stats", ({ open, loseAnswerOf }) => {
  test("of an empty queue are zeros and nulls", async () => {
    expect(await open().stats()).toEqual({
      counts: { scheduled: 0, pending: 0, processing: 0, completed: 0, failed: 0, cancelled: 0 },
      pendingByPriority: { critical: 0, high: 0, normal: 0, low: 0 },
      pendingByProvider: { openai: 0, anthropic: 0, deepseek: 0 },
      oldestPendingAgeMs: null,
      throughput: {
        ...{ enqueuedLastMinute: 0, completedLastMinute: 0, failedLastMinute: 0, retriedLastMinute: 0 },
      },
      ...{ waitMs: NO_PERCENTILES, providerMs: NO_PERCENTILES, lanes: [] },
      commands: { today: 0, yesterday: 0, lastMinute: 0, budget: null },
      providers: Object.fromEntries(
        ["openai", "anthropic", "deepseek"].map((name) => [
          name,
          { inFlight: 0, blockedUntil: null, breaker: "closed", paused: false },
        ]),
      ),
    })
  })

  test("count every state, priority and provider", async () => {
    const queue = open()
    await queue.enqueueEach(...Array.from({ length: 6 }, () => ({ priority: "critical" }) as const))
    for (const kind of ["completed", "completed", "failed", "retry"] as const) await settleNext(queue, kind)
    await queue.takeOne()
    await queue.enqueueEach(
      { scheduledAt: queue.clock() + 1000 },
      { provider: "anthropic" },
      { provider: "anthropic", priority: "low" },
      { provider: "deepseek", priority: "high" },
    )
    const [cancelled = ""] = await queue.enqueueEach({})
    await queue.cancel(cancelled, null)
    loseAnswerOf("stats")
    const stats = await queue.stats()
    expect(stats.counts).toEqual({
      ...{ scheduled: 2, pending: 4, processing: 1, completed: 2, failed: 1, cancelled: 1 },
    })
    expect(stats.pendingByPriority).toEqual({ critical: 1, high: 1, normal: 1, low: 1 })
    expect(stats.pendingByProvider).toEqual({ openai: 1, anthropic: 2, deepseek: 1 })
    expect(stats.providers.openai?.inFlight).toBe(1)
    expect(stats.throughput).toEqual({
      ...{ enqueuedLastMinute: 11, completedLastMinute: 2, failedLastMinute: 1, retriedLastMinute: 1 },
    })
  })

  test("what is kept is counted until its TTL ends, to the second", async () => {
    const queue = open()
    await queue.enqueueEach(
      { resultTtlSeconds: 100 },
      { resultTtlSeconds: 200 },
      { resultTtlSeconds: 300_000 },
    )
    for (let i = 0; i < 3; i++) await settleNext(queue, "completed")
    const { clock } = queue
    const settledAt = clock()
    const counts: number[] = []
    for (const seconds of [99, 100, 199, 200, 299_999, 300_000]) {
      clock.set(settledAt + seconds * 1000)
      counts.push((await queue.stats()).counts.completed)
    }
    expect(counts).toEqual([3, 2, 2, 1, 1, 0])
  })

  test("the oldest pending request is the one that has waited longest, not the first in line", async () => {
    const queue = open()
    await queue.enqueueEach({ priority: "low" })
    queue.clock.advance(5000)
    await queue.enqueueEach({ priority: "critical" }, { provider: "anthropic" })
    queue.clock.advance(1000)
    await queue.enqueueEach({ scheduledAt: queue.clock() + 1 })
    expect((await queue.stats()).oldestPendingAgeMs).toBe(6000)
    // Backing off does not make it younger.
    await queue.take({ limit: 2 })
    await settleNext(queue, "retry")
    expect((await queue.stats()).oldestPendingAgeMs).toBe(null)
    queue.clock.advance(3_600_000)
    await queue.take({ limit: 0 })
    expect((await queue.stats()).oldestPendingAgeMs).toBe(3_606_000)
  })

  test("throughput is that of the last 60 to 70 seconds", async () => {
    const queue = open()
    const { clock } = queue
    // The start of a slot of 10 s.
    clock.set(Math.ceil(clock() / 10_000) * 10_000)
    const start = clock()
    await queue.enqueueEach({}, {})
    clock.set(start + 30_000)
    await settleNext(queue, "completed")
    const at = async (ms: number) => {
      clock.set(start + ms)
      const { enqueuedLastMinute, completedLastMinute } = (await queue.stats()).throughput
      return [enqueuedLastMinute, completedLastMinute]
    }
    expect(await at(59_999)).toEqual([2, 1])
    expect(await at(69_999)).toEqual([2, 1])
    expect(await at(70_000)).toEqual([0, 1])
    expect(await at(100_000)).toEqual([0, 0])
    // The ring comes round: what was there before does not count again.
    clock.set(start + 80_000)
    await queue.enqueueEach({})
    expect(await at(80_001)).toEqual([1, 1])
  })

  test("percentiles are within 5 % of the truth, over 15 minutes", async () => {
    const queue = open()
    const { clock } = queue
    clock.set(Math.ceil(clock() / 60_000) * 60_000)
    const start = clock()
    await queue.enqueueEach(...Array.from({ length: 20 }, () => ({})))
    // Waits of 1, 2, … 20 s, and calls of 100 ms, one of 8 s.
    for (let second = 1; second <= 20; second++) {
      clock.set(start + second * 1000)
      await settleNext(queue, "completed", second === 20 ? 8000 : 100)
    }
    const close = (value: number | null, truth: number) => {
      expect(value).toBeGreaterThan(truth * 0.95 - 1)
      expect(value).toBeLessThan(truth * 1.05 + 1)
    }
    const { waitMs, providerMs } = await queue.stats()
    close(waitMs.p50, 10_000)
    close(waitMs.p95, 19_000)
    close(waitMs.p99, 20_000)
    close(providerMs.p50, 100)
    close(providerMs.p95, 100)
    close(providerMs.p99, 8000)
    clock.set(start + 15 * 60_000 - 1)
    expect((await queue.stats()).waitMs.p50).not.toBe(null)
    clock.set(start + 15 * 60_000)
    expect(await queue.stats()).toMatchObject({ waitMs: NO_PERCENTILES, providerMs: NO_PERCENTILES })
  })

  test("a wait of nothing is a wait", async () => {
    const queue = open()
    await queue.enqueueEach({})
    await settleNext(queue, "completed", 0)
    expect(await queue.stats()).toMatchObject({ waitMs: { p50: 0, p99: 0 }, providerMs: { p50: 0, p99: 0 } })
  })

  test("lines of other processes are in them", async () => {
    const queue = open({ settings: { providers: ["openai"] } })
    const other = queue.sibling({ settings: { providers: ["local-llm"] } })
    await other.enqueueEach({ provider: "local-llm", priority: "high" })
    expect(await queue.stats()).toMatchObject({
      ...{ counts: { pending: 1 }, pendingByProvider: { openai: 0, "local-llm": 1 } },
      providers: { "local-llm": { inFlight: 0, paused: false } },
    })
  })
})
