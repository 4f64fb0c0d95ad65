import { expect, test } from "vitest"
import { runTick } from "../../src/drain/run-tick.ts"
import { createQueue } from "../../src/queue/queue.ts"
import { describeScenes } from "./scene.ts"

describeScenes("ticks that overlap", (scene) => {
  test("keep the limit of calls in flight, and each request is called once", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "2" })
    await s.enqueue(...Array.from({ length: 12 }, (_, i) => ({ text: `${i} [[sim: latencyMs=50]]` })))
    const reports = await Promise.all([1, 2, 3].map(() => runTick(s.deps)))
    expect(reports.map(({ completed }) => completed)).toEqual([12, 0, 0])
    expect(s.simulator.maxInFlight.openai).toBe(2)
    expect(s.simulator.calls).toHaveLength(12)
  })

  test("a later one tells the one that claims to look again", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "2" })
    await s.enqueue({ text: "slow [[sim: latencyMs=4000]]" })
    const first = runTick(s.deps)
    await expect.poll(() => s.simulator.inFlight.openai, { timeout: 5000 }).toBe(1)
    await s.enqueue({ text: "new" })
    s.store.bridge.counters.reset()
    expect(await runTick(s.deps)).toMatchObject({ claimed: 0 })
    await expect.poll(() => s.calledWith(), { timeout: 3000 }).toEqual(["slow", "new"])
    expect(s.simulator.inFlight.openai).toBe(1)
    expect(await first).toMatchObject({ claimed: 2, completed: 2 })
    // The other tick's claim; this one's look, its payloads, two turns; a look for cancels every two seconds.
    expect(s.store.bridge.counters.requests).toBeLessThan(10)
  }, 15_000)

  test("a later one sees to overdue requests while all places are taken", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "1" })
    await s.enqueue({ text: "slow [[sim: latencyMs=1500]]", priority: "critical" })
    const first = runTick(s.deps)
    await expect.poll(() => s.simulator.inFlight.openai, { timeout: 5000 }).toBe(1)
    const [late = ""] = await s.enqueue({ text: "late", deadlineAt: Date.now() + 30 })
    await expect.poll(() => Date.now(), { interval: 10 }).toBeGreaterThan(Date.now() + 30)
    expect(await runTick(s.deps)).toMatchObject({ failed: 1 })
    expect(s.simulator.inFlight.openai).toBe(1)
    expect(await s.states([late])).toEqual(["failed"])
    await first
  })

  test("the next one takes over when the first has spent its subrequests", async () => {
    const s = await scene({ SUBREQUEST_LIMIT: "20", DRAIN_CONCURRENCY: "10" })
    await s.enqueue(...Array.from({ length: 8 }, (_, i) => ({ text: `${i} [[sim: latencyMs=800]]` })))
    const first = runTick(s.deps)
    await expect.poll(() => s.simulator.inFlight.openai, { timeout: 5000 }).toBe(6)
    expect(await runTick(s.deps)).toMatchObject({ claimed: 2, completed: 2 })
    expect(await first).toMatchObject({ claimed: 6, completed: 6 })
  })

  test("one that lives is left its place", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "2" })
    let skewMs = 0
    let steps = 0
    const clock = () => {
      steps += 1
      return Date.now() + skewMs
    }
    const deps = { ...s.deps, clock }
    await s.enqueue({ text: "slow [[sim: latencyMs=4000]]" })
    const first = runTick(deps)
    await expect.poll(() => s.simulator.inFlight.openai, { timeout: 5000 }).toBe(1)
    for (const ms of [30_000, 60_000]) {
      skewMs = ms
      const before = steps
      await expect.poll(() => steps, { timeout: 3000 }).toBeGreaterThan(before + 1)
    }
    await s.enqueue({ text: "new" })
    expect(await runTick(deps)).toMatchObject({ claimed: 0 })
    expect(await first).toMatchObject({ claimed: 2, completed: 2 })
  }, 15_000)

  test("after three minutes the next one takes over, and the first claims no more", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "1" })
    let skewMs = 0
    const deps = { ...s.deps, clock: () => Date.now() + skewMs }
    await s.enqueue({ text: "slow [[sim: latencyMs=1500]]" }, { text: "next" }, { text: "last" })
    const first = runTick(deps)
    await expect.poll(() => s.simulator.inFlight.openai, { timeout: 5000 }).toBe(1)
    skewMs = 181_000
    expect(await runTick(deps)).toMatchObject({ claimed: 2, completed: 2 })
    expect(await first).toMatchObject({ claimed: 1, completed: 1 })
    expect(s.calledWith()).toEqual(["slow", "next", "last"])
  })

  test("one that fell silent is not waited for", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "1" })
    let skewMs = 0
    const deps = { ...s.deps, clock: () => Date.now() + skewMs }
    await s.enqueue({ text: "first" })
    const queue = { ...s.queue, claim: () => new Promise<never>(() => {}) }
    // Its invocation is killed: it never hears from the store.
    void runTick({ ...deps, queue })
    Object.assign(queue, { claim: s.queue.claim })
    expect(await runTick({ ...deps, queue })).toMatchObject({ claimed: 0 })
    skewMs = 41_000
    expect(await runTick({ ...deps, queue })).toMatchObject({ claimed: 1, completed: 1 })
  })

  test("in another isolate one drains beside the first", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "1" })
    const { redis, queueName } = s.config
    const settings = { ...s.config, providers: Object.keys(s.config.providers) }
    const elsewhere = { ...s.deps, queue: createQueue({ redis, queueName, settings }) }
    await s.enqueue(...Array.from({ length: 6 }, (_, i) => ({ text: `${i} [[sim: latencyMs=100]]` })))
    const reports = await Promise.all([runTick(s.deps), runTick(elsewhere)])
    expect(reports.reduce((sum, { completed }) => sum + completed, 0)).toBe(6)
    expect(s.simulator.maxInFlight.openai).toBe(2)
    expect(s.simulator.calls).toHaveLength(6)
  })

  test("what retries soon is waited for, what is due later is not", async () => {
    const s = await scene({ RETRY_BASE_MS: "600" })
    await s.enqueue(
      { text: "soon [[sim: error=unavailable times=1]]" },
      { text: "later", scheduledAt: Date.now() + 60_000 },
    )
    const startedAt = Date.now()
    const report = await runTick({ ...s.deps, random: () => 0.99 })
    expect(report).toMatchObject({ retried: 1, completed: 1 })
    expect(report.wakeAt).toBeGreaterThan(startedAt + 50_000)
    expect(Date.now() - startedAt).toBeLessThan(5000)
  })
})
