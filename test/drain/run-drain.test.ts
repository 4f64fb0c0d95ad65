import { expect, test, vi } from "vitest"
import { createIdGenerator } from "../../src/core/ids.ts"
import { runDrain } from "../../src/drain/run-drain.ts"
import { createKeys } from "../../src/queue/keys.ts"
import { eventually } from "../helpers/eventually.ts"
import { describeScenes } from "./scene.ts"

describeScenes("a drain", (scene) => {
  test("calls each request once, in all wire formats, and keeps the answers", async () => {
    const s = await scene()
    const asks = ["openai", "anthropic", "deepseek"].flatMap((provider) =>
      Array.from({ length: 10 }, (_, i) => ({ provider, text: `${provider} ${i}` })),
    )
    const ids = await s.enqueue(...asks)
    const report = await s.drain()
    expect(report).toMatchObject({ claimed: 30, completed: 30, failed: 0, retried: 0, errors: 0 })
    expect(s.calledWith().sort()).toEqual(asks.map(({ text }) => text).sort())
    for (const [i, status] of (await s.statuses(ids)).entries()) {
      expect(status).toMatchObject({ state: "completed", attempts: [{ number: 1, result: "completed" }] })
      expect(status?.response?.choices[0]?.message.content).toContain(asks[i]?.text)
    }
  })

  test("an empty queue costs one round trip and is not logged", async () => {
    const s = await scene()
    await s.drain()
    s.store.bridge.counters.reset()
    const report = await s.drain()
    expect(report).toMatchObject({ claimed: 0, errors: 0, wakeAt: null })
    expect(s.store.bridge.counters.requests).toBe(1)
    expect(s.lines).toEqual([])
  })

  test("one slow call holds back no other", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "3" })
    // They end when they are cancelled, which is when all others have been answered.
    const slow = await s.enqueue(
      { text: "slow headers [[sim: headersLatencyMs=20000]]" },
      { text: "slow body [[sim: fault=stall]]" },
    )
    const quick = await s.enqueue(...Array.from({ length: 12 }, (_, i) => ({ text: `quick ${i}` })))
    const draining = s.drain()
    await eventually(
      async () => new Set(await s.states(quick)).size === 1 && (await s.states(quick))[0] === "completed",
    )
    expect(s.simulator.calls.filter(({ endedAt }) => endedAt === null)).toHaveLength(2)
    expect(await s.states(slow)).toEqual(["processing", "processing"])
    for (const id of slow) await s.queue.cancel(id, null)
    await draining
  }, 30_000)

  test("answers that stream for long keep no connection from others", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "20" })
    const text = "[[sim: headersLatencyMs=150 latencyMs=2500]]"
    await s.enqueue(...Array.from({ length: 20 }, (_, i) => ({ text: `${i} ${text}` })))
    const draining = s.drain()
    await expect.poll(() => s.simulator.inFlight.openai, { timeout: 2300, interval: 20 }).toBe(20)
    expect(await draining).toMatchObject({ completed: 20 })
  }, 15_000)

  test("four calls and two store operations wait for headers at most", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "30" })
    await s.enqueue(...Array.from({ length: 30 }, (_, i) => ({ text: `${i} [[sim: headersLatencyMs=40]]` })))
    const waiting = { provider: 0, store: 0 }
    const most = { provider: 0, store: 0 }
    const realFetch = globalThis.fetch
    vi.stubGlobal("fetch", async (...args: Parameters<typeof fetch>) => {
      const to = String(args[0]).startsWith(s.store.url) ? "store" : "provider"
      waiting[to] += 1
      most[to] = Math.max(most[to], waiting[to])
      try {
        return await realFetch(...args)
      } finally {
        waiting[to] -= 1
      }
    })
    try {
      await s.drain()
    } finally {
      vi.unstubAllGlobals()
    }
    expect(most.provider).toBe(4)
    expect(most.store).toBeGreaterThan(0)
    expect(most.store).toBeLessThanOrEqual(2)
  })

  test("has as many calls in flight as it may, and no more", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "5" })
    await s.enqueue(...Array.from({ length: 20 }, (_, i) => ({ text: `${i} [[sim: latencyMs=60]]` })))
    await s.drain()
    expect(s.simulator.maxInFlight.openai).toBe(5)
    expect(s.simulator.calls).toHaveLength(20)
  })

  test("holds no more than 16 MiB of bodies at a time", async () => {
    const s = await scene()
    const text = "x".repeat(1024 * 1024)
    for (let i = 0; i < 3; i++) {
      await s.enqueue(...Array.from({ length: 7 }, () => ({ text: `${text} [[sim: latencyMs=400]]` })))
    }
    const report = await s.drain()
    expect(report.completed).toBe(21)
    expect(s.simulator.maxInFlight.openai).toBeLessThanOrEqual(16)
  }, 20_000)

  test("a cancelled request's call is aborted, and its cost is kept", async () => {
    const s = await scene()
    const [id = ""] = await s.enqueue({ text: "stalls [[sim: fault=stall tokens=50]]" })
    const draining = s.drain()
    await expect.poll(() => s.simulator.inFlight.openai, { timeout: 5000 }).toBe(1)
    await s.queue.cancel(id, null)
    const report = await draining
    expect(report).toMatchObject({ completed: 0, noted: 1, errors: 0 })
    expect(s.simulator.calls).toMatchObject([{ result: "aborted" }])
    const [status] = await s.statuses([id])
    expect(status).toMatchObject({
      state: "cancelled",
      attempts: [{ number: 1, result: "cancelled", possiblyBilled: true }],
    })
  }, 15_000)

  test("a request that is cancelled while it waits for a connection is never called", async () => {
    const s = await scene()
    await s.enqueue(...Array.from({ length: 4 }, (_, i) => ({ text: `${i} [[sim: headersLatencyMs=4000]]` })))
    const [id = ""] = await s.enqueue({ text: "waits" })
    const draining = s.drain()
    await expect.poll(() => s.simulator.inFlight.openai, { timeout: 5000 }).toBe(4)
    await s.queue.cancel(id, null)
    expect(await draining).toMatchObject({ claimed: 5, completed: 4, errors: 0 })
    expect(s.calledWith()).not.toContain("waits")
  }, 15_000)

  test("what a provider asks to wait is waited for, by all its requests and no other's", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "1" })
    const [limited = ""] = await s.enqueue(
      {
        text: "limited [[sim: error=rate_limited retryAfterMs=1500 times=1]]",
      },
      { text: "same provider" },
    )
    await s.enqueue({ provider: "deepseek", text: "other provider" })
    const report = await s.drain()
    expect(report).toMatchObject({ completed: 3, retried: 1 })
    expect(s.calledWith()).toEqual(["limited", "other provider", "same provider", "limited"])
    const [first, other, same, second] = s.simulator.calls
    const waitedMs = (call = first) => (call?.startedAt ?? 0) - (first?.endedAt ?? 0)
    expect(waitedMs(other)).toBeLessThan(1000)
    expect(waitedMs(same)).toBeGreaterThanOrEqual(1490)
    expect(waitedMs(second)).toBeGreaterThanOrEqual(1490)
    const [status] = await s.statuses([limited])
    expect(status?.attempts).toMatchObject([
      { number: 1, result: "retry", error: { code: "provider_rate_limited" }, status: 429 },
      { number: 2, result: "completed" },
    ])
  }, 15_000)

  test("retries end: the request fails with its last error and keeps its body for a replay", async () => {
    const s = await scene()
    const [id = ""] = await s.enqueue({ text: "down [[sim: error=unavailable]]", maxRetries: 2 })
    expect(await s.drain()).toMatchObject({ claimed: 3, retried: 2, failed: 1 })
    const status = await s.queue.status(id, null, { includeMessages: true })
    expect(status).toMatchObject({ state: "failed", error: { code: "provider_unavailable" } })
    expect(status?.attempts.map(({ number, result }) => [number, result])).toEqual([
      [1, "retry"],
      [2, "retry"],
      [3, "failed"],
    ])
    expect(status?.messages).toHaveLength(1)
  })

  test("a timeout is retried once: a third would be a third bill", async () => {
    const s = await scene()
    const [id = ""] = await s.enqueue({ text: "hangs [[sim: fault=stall_first]]", timeoutMs: 1000 })
    expect(await s.drain()).toMatchObject({ retried: 1, failed: 1 })
    expect(s.simulator.calls).toHaveLength(2)
    const [status] = await s.statuses([id])
    expect(status).toMatchObject({
      state: "failed",
      error: { code: "timeout" },
      attempts: [{ possiblyBilled: true }, { possiblyBilled: true }],
    })
  }, 15_000)

  test("a deadline that has passed fails the request without a call", async () => {
    const s = await scene()
    const [id = ""] = await s.enqueue({ text: "late", deadlineAt: Date.now() + 30 })
    await expect.poll(() => Date.now(), { interval: 10 }).toBeGreaterThan(Date.now() + 30)
    expect(await s.drain()).toMatchObject({ claimed: 0, failed: 1 })
    expect(s.simulator.calls).toEqual([])
    const [status] = await s.statuses([id])
    expect(status).toMatchObject({ state: "failed", error: { code: "deadline_exceeded" }, attempts: [] })
  })

  test("a provider that is down stops no other", async () => {
    const s = await scene({ OPENAI_BASE_URL: "http://127.0.0.1:1" })
    const down = await s.enqueue(...Array.from({ length: 5 }, (_, i) => ({ text: `down ${i}` })))
    const up = await s.enqueue(
      ...Array.from({ length: 5 }, (_, i) => ({ provider: "anthropic", text: `up ${i}` })),
    )
    // Its breaker opens after five calls; those that were running by then tell no more.
    const report = await s.drain()
    expect(report).toMatchObject({ completed: 5, failed: 0 })
    expect(await s.states(up)).toEqual(up.map(() => "completed"))
    expect((await s.deps.queue.stats()).providers.openai).toMatchObject({ breaker: "open" })
    expect(report.retried).toBeLessThan(15)
    expect((await s.statuses(down)).map((status) => status?.error?.code)).toEqual(down.map(() => "network"))
  })

  test("a refused key fails nobody's request and blocks the provider", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "1" })
    const [id = "", untouched = ""] = await s.enqueue(
      { text: "refused [[sim: error=unauthorized]]", maxRetries: 0 },
      { text: "not called" },
    )
    const [other = ""] = await s.enqueue({ provider: "deepseek", text: "other" })
    const report = await s.drain()
    expect(report).toMatchObject({ claimed: 2, completed: 1, returned: 1, failed: 0 })
    expect(s.calledWith()).toEqual(["refused", "other"])
    expect(await s.states([id, untouched, other])).toEqual(["pending", "pending", "completed"])
    const [status] = await s.statuses([id])
    expect(status?.attempts).toMatchObject([{ number: 1, error: { code: "provider_auth" } }])
    expect(report.wakeAt).toBeGreaterThan(Date.now() + 50_000)
  })

  test("a provider that the settings forgot costs its requests nothing", async () => {
    const s = await scene()
    const ids = await s.enqueue({ text: "one" }, { text: "two" })
    const [other = ""] = await s.enqueue({ provider: "deepseek", text: "three" })
    const providers = new Map([...s.deps.providers].filter(([name]) => name !== "openai"))
    const report = await runDrain({ ...s.deps, providers }, { owner: "test", concurrency: 5 })
    expect(report).toMatchObject({ claimed: 3, completed: 1, released: 2, failed: 0 })
    expect(await s.states([...ids, other])).toEqual(["pending", "pending", "completed"])
    expect(s.lines).toContainEqual({ event: "provider_missing", fields: { provider: "openai" } })
    const [status] = await s.statuses(ids)
    expect(status?.attempts).toEqual([])
  })

  test("does the hourly work when a claim asks for it", async () => {
    const s = await scene({ MAX_PENDING_AGE_SECONDS: "60" })
    await s.drain()
    await s.queue.setPaused("openai", true)
    const createdAt = Date.now() - 120_000
    const requestId = createIdGenerator(() => createdAt)()
    const [id = ""] = await s.enqueue({ text: "forgotten", requestId, createdAt })
    await s.drain()
    expect(await s.states([id])).toEqual(["pending"])
    await s.store.redis.sendCommand(["HSET", createKeys(s.config.queueName).meta, "maintainedAt", "1"])
    expect(await s.drain()).toMatchObject({ failed: 1, errors: 0 })
    const [status] = await s.statuses([id])
    expect(status).toMatchObject({ state: "failed", error: { code: "deadline_exceeded" } })
  })

  test("rolls a minute that is over when a claim asks for it", async () => {
    const s = await scene()
    const keys = createKeys(s.config.queueName)
    await s.enqueue({ text: "now" })
    const before = Math.floor(Date.now() / 60_000) - 3
    const counted = ["rollAt", `${before}`, `minute:${before % 16}`, `${before} e:5`]
    await s.store.redis.sendCommand(["HSET", keys.meta, ...counted])
    await s.drain()
    const from = before * 60_000
    const { points } = await s.queue.history({ from, to: from + 60_000, stepMs: 60_000 })
    expect(points).toMatchObject([{ at: from, enqueued: 5 }])
    expect(await s.store.redis.zCard(keys.historyMinutes)).toBeGreaterThan(0)
  })

  test("logs ids, codes and times, and nothing of what was asked or answered", async () => {
    const s = await scene()
    const ids = await s.enqueue(
      { text: "a secret prompt" },
      { text: "a secret prompt [[sim: error=rejected]]" },
    )
    await s.drain()
    const attempts = s.lines.filter(({ event }) => event === "attempt")
    expect(attempts.map(({ fields }) => fields.requestId).sort()).toEqual(ids.sort())
    expect(attempts.map(({ fields }) => fields.code).sort()).toEqual(["provider_rejected", undefined])
    expect(s.lines.at(-1)).toMatchObject({ event: "drain", fields: { claimed: 2, completed: 1, failed: 1 } })
    expect(JSON.stringify(s.lines)).not.toMatch(/secret|prompt|Simulated|rejected by/i)
  })
})
