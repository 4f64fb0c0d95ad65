import { expect, test } from "vitest"
import type { AttemptEvent } from "../../src/worker/index.ts"
import { eventually } from "../helpers/eventually.ts"
import { describeWorkers } from "./suite.ts"

const texts = (count: number, directive = "") =>
  Array.from({ length: count }, (_, i) => `ask ${i} ${directive}`)

describeWorkers("workers in Node", (scene) => {
  test("three drain one queue together: each request has one outcome and one call, each worker its share", async () => {
    const s = await scene()
    const workers = await s.start(3, { concurrency: 2 })
    const told: AttemptEvent[] = []
    for (const worker of workers) worker.on("completed", (event) => void told.push(event))
    const ids = await s.enqueue(...texts(120, "[[sim: latencyMs=15]]"))
    const statuses = await s.ended(ids, "completed", 60_000)

    expect(statuses.map(({ attempts }) => attempts.length)).toEqual(ids.map(() => 1))
    expect(s.calledWith().toSorted()).toEqual(
      texts(120)
        .map((text) => text.trim())
        .toSorted(),
    )
    await eventually(() => told.length === 120)
    expect(new Set(told.map(({ requestId }) => requestId))).toEqual(new Set(ids))
    const processed = workers.map((worker) => worker.getStats().processed)
    expect(processed.reduce((sum, count) => sum + count)).toBe(120)
    expect(Math.min(...processed)).toBeGreaterThanOrEqual(24)
  }, 90_000)

  test("what comes while others are in work starts at once, if there is room", async () => {
    const s = await scene()
    await s.start(1, { concurrency: 2 })
    const [slow = ""] = await s.enqueue("slow [[sim: latencyMs=20000]]")
    await eventually(() => s.calledWith().length === 1)
    await s.ended(await s.enqueue("quick"))
    expect((await s.status(slow))?.state).toBe("processing")
    await s.queue.cancel(slow)
    // The cancel ends the call.
    await eventually(() => s.simulator.calls[0]?.result === "aborted")
  })

  test("what is put off starts when it is due, also when nobody tells", async () => {
    const s = await scene()
    await s.start(1, { pollIntervalMs: { min: 50, max: 200 } })
    const [first = "", later = ""] = await s.enqueue("now [[sim: error=overloaded times=1]]", {
      text: "later",
      delayMs: 800,
    })
    const [retried, delayed] = await s.ended([first, later])
    expect(retried?.attempts.map(({ result }) => result)).toEqual(["retry", "completed"])
    expect((delayed?.startedAt ?? 0) - (delayed?.createdAt ?? 0)).toBeGreaterThanOrEqual(800)
  })

  test("a paused worker finishes what is in work, claims nothing, and goes on when it is resumed", async () => {
    const s = await scene()
    const [worker] = await s.start(1)
    const first = await s.enqueue("first [[sim: latencyMs=300]]")
    await eventually(() => s.calledWith().length === 1)
    worker?.pause()
    const more = await s.enqueue("second", "third")
    await s.ended(first)
    await eventually(() => worker?.getStats().inFlight === 0)
    expect(worker?.getStats().state).toBe("paused")
    // Another one, for another provider, sees the backlog again and again meanwhile.
    s.make({ providers: ["deepseek"] }).start()
    const before = s.store.bridge.counters.requests
    await eventually(() => s.store.bridge.counters.requests > before + 20)
    expect(s.calledWith()).toEqual(["first"])
    worker?.resume()
    await s.ended(more)
    expect(worker?.getStats()).toMatchObject({ state: "running", processed: 3 })
  })

  test("events and statistics tell what became of requests", async () => {
    const s = await scene()
    const health: unknown[] = []
    const worker = s.make({ healthCheckInterval: 1000, onHealth: (event) => void health.push(event) })
    const [completed, failed, retried, checks]: unknown[][] = [[], [], [], []]
    worker.on("completed", (event) => completed?.push(event))
    worker.on("failed", (event) => failed?.push(event))
    worker.on("retried", (event) => retried?.push(event))
    worker.on("health", (event) => checks?.push(event))
    let idles = 0
    worker.on("idle", () => {
      idles += 1
      throw new Error("a listener's mistake")
    })
    expect(worker.getStats()).toMatchObject({ state: "stopped", uptimeMs: 0, lastError: null })
    await worker.start()
    await worker.start()

    const [good = "", bad = "", again = ""] = await s.enqueue(
      { text: "good [[sim: latencyMs=40]]", organizationId: "org-7" },
      { text: "bad [[sim: error=rejected]]", provider: "anthropic" },
      "again [[sim: error=overloaded times=1]]",
    )
    await s.ended([good, again])
    await s.ended([bad], "failed")
    await eventually(() => completed?.length === 2 && failed?.length === 1)
    expect(completed).toContainEqual(
      expect.objectContaining({
        ...{ requestId: good, organizationId: "org-7", attempt: 1, provider: "openai", model: "gpt-5-mini" },
        response: expect.objectContaining({ object: "chat.completion" }),
        usage: expect.objectContaining({ inputTokens: expect.any(Number) }),
      }),
    )
    expect(failed).toMatchObject([
      { requestId: bad, provider: "anthropic", error: { code: "provider_rejected" } },
    ])
    expect(retried).toMatchObject([
      { requestId: again, attempt: 1, error: { code: "provider_overloaded" }, dueAt: expect.any(Number) },
    ])
    await eventually(() => idles > 0)
    expect(s.lines.find(({ event }) => event === "listener_threw")?.fields).toEqual({
      ...{ listener: "idle", kind: "Error" },
    })
    expect(worker.getStats()).toMatchObject({
      ...{
        state: "running",
        processed: 3,
        completed: 2,
        failed: 1,
        retried: 1,
        inFlight: 0,
        ratePerMinute: 3,
      },
      lastError: { at: expect.any(Number) },
      providers: { openai: { calls: 3 }, anthropic: { calls: 1 } },
    })
    const { openai } = worker.getStats().providers
    expect(openai?.p95).toBeGreaterThanOrEqual(40)
    expect(openai?.p50).toBeLessThanOrEqual(openai?.p95 ?? 0)
    await eventually(() => health.length > 0)
    expect(health[0]).toMatchObject({
      ...{ name: "worker-app-1", queue: { status: "ok", backlog: 0 }, stats: { processed: 3 } },
    })
    expect(checks).toEqual(health)
  })

  test("who enqueues in the same process wakes a worker, and a flood wakes the others", async () => {
    const s = await scene()
    // Nobody looks for a minute.
    const workers = await s.start(3, { concurrency: 2, pollIntervalMs: { min: 60_000 } })
    let idle = 0
    for (const worker of workers) worker.once("idle", () => (idle += 1))
    await eventually(() => idle === 3)
    const ids = await s.enqueue(...texts(12, "[[sim: latencyMs=700]]"))
    workers[0]?.wake()
    await eventually(() => workers.every((worker) => worker.getStats().inFlight === 2))
    await s.ended(ids)
  })

  test("what is missing or wrong is named", async () => {
    const s = await scene()
    const bad = (options: object) => () => s.make(options)
    expect(bad({ concurrency: 0 })).toThrow("concurrency must be a whole number from 1 to 1000")
    expect(bad({ maxProcessingTime: 10 })).toThrow("maxProcessingTime must be a whole number from 1000 to")
    expect(bad({ healthCheckInterval: 0 })).toThrow("healthCheckInterval must be a whole number")
    expect(bad({ pollIntervalMs: { min: 500, max: 100 } })).toThrow("pollIntervalMs.max must be")
    expect(bad({ name: "a b" })).toThrow("name must be 1 to 32")
    expect(bad({ providers: ["groq"] })).toThrow("providers names groq, which is not configured")
    expect(bad({ providers: [] })).toThrow("providers names none, and no provider is configured")
    expect(bad({ providers: ["A B"], processor: async () => "" })).toThrow("providers must be names of")
    await expect(s.start(0)).rejects.toThrow("count must be a whole number from 1 to 100")
  })

  test("a worker takes only what its providers name", async () => {
    const s = await scene()
    await s.start(1, { providers: ["anthropic"] })
    const [openai = "", anthropic = ""] = await s.enqueue("for another", {
      ...{ text: "for this one", provider: "anthropic", model: "claude-sonnet-5" },
    })
    await s.ended([anthropic])
    expect(await s.status(openai)).toMatchObject({ state: "pending", attempts: [] })
  })
})
