import { describe, expect, it } from "vitest"
import { claimAll, createClient, enqueued, finishAll } from "./client.ts"

describe("GET /v1/stats", () => {
  it("has the whole shape for an empty queue", async () => {
    const { status, body } = await createClient().call("GET", "/v1/stats")
    expect(status).toBe(200)
    const provider = { inFlight: 0, blockedUntil: null, breaker: "closed", paused: false }
    expect(body).toEqual({
      counts: { scheduled: 0, pending: 0, processing: 0, completed: 0, failed: 0, cancelled: 0 },
      pendingByPriority: { critical: 0, high: 0, normal: 0, low: 0 },
      pendingByProvider: { openai: 0, anthropic: 0, deepseek: 0 },
      oldestPendingAgeMs: null,
      throughput: {
        ...{ enqueuedLastMinute: 0, completedLastMinute: 0, failedLastMinute: 0, retriedLastMinute: 0 },
      },
      waitMs: { p50: null, p95: null, p99: null },
      providerMs: { p50: null, p95: null, p99: null },
      providers: { openai: provider, anthropic: provider, deepseek: provider },
      lanes: [],
      commands: { today: expect.any(Number), yesterday: 0, lastMinute: 0, budget: null },
    })
  })

  it("counts what is where", async () => {
    const client = createClient()
    await enqueued(client)
    await finishAll(client.queue, "completed")
    await enqueued(client)
    await finishAll(client.queue, "failed")
    await enqueued(client)
    await claimAll(client.queue)
    await client.call("DELETE", `/v1/requests/${await enqueued(client)}`)
    await enqueued(client, { priority: "high", provider: "deepseek" })
    await enqueued(client, { delayMs: 60_000 })
    const { body } = await client.call("GET", "/v1/stats")
    expect(body).toMatchObject({
      counts: { scheduled: 1, pending: 1, processing: 1, completed: 1, failed: 1, cancelled: 1 },
      pendingByPriority: { critical: 0, high: 1, normal: 0, low: 0 },
      pendingByProvider: { openai: 0, deepseek: 1 },
      oldestPendingAgeMs: expect.any(Number),
      throughput: { enqueuedLastMinute: 6, completedLastMinute: 1, failedLastMinute: 1 },
      waitMs: { p50: expect.any(Number) },
      providerMs: { p50: expect.any(Number) },
      providers: { openai: { inFlight: 1 } },
    })
  })
})

describe("GET /v1/stats/history", () => {
  it("tells what the minutes of a span had, rolled and not", async () => {
    const client = createClient()
    await enqueued(client)
    await finishAll(client.queue, "completed")
    const before = await client.call("GET", "/v1/stats/history")
    await client.queue.roll()
    const { status, body } = await client.call("GET", "/v1/stats/history?step=3600")
    expect(status).toBe(200)
    for (const { points } of [before.body, body]) {
      const sum = (name: string) =>
        points.reduce((total: number, point: Record<string, number>) => total + (point[name] ?? 0), 0)
      expect([sum("enqueued"), sum("completed"), sum("failed")]).toEqual([1, 1, 0])
    }
    const refused = await client.call("GET", "/v1/stats/history?step=61")
    expect(refused).toMatchObject({
      status: 400,
      body: { code: "invalid_request", errors: [{ path: "/step" }] },
    })
  })
})

describe("GET /v1/health", () => {
  it("is ok for an empty queue that never drained, and needs no key", async () => {
    for (const key of [null, "not-the-right-key-at-all"]) {
      const { status, body } = await createClient().call("GET", "/v1/health", { key })
      expect({ status, body }).toEqual({ status: 200, body: { status: "ok" } })
    }
  })

  it("tells an operator more", async () => {
    const client = createClient()
    await enqueued(client)
    await client.queue.claim({ owner: "test:1", limit: 0, maxBytes: 1, maxTimeoutMs: 1000 })
    const { body } = await client.call("GET", "/v1/health")
    expect(body).toEqual({
      status: "ok",
      store: { ok: true, latencyMs: expect.any(Number) },
      drain: { lastRunAt: expect.any(Number), ageMs: expect.any(Number) },
      backlog: 1,
      unservedLines: [],
      troubled: [],
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    })
  })

  it("is down, with 503, when the store does not answer", async () => {
    const client = createClient({ UPSTASH_REDIS_REST_URL: "http://127.0.0.1:1" })
    const { status, headers, body } = await client.call("GET", "/v1/health", { key: null })
    expect({ status, body }).toEqual({ status: 503, body: { status: "down" } })
    expect(headers.get("cache-control")).toBe("no-store")
  })
})

describe("POST /v1/cleanup", () => {
  it("removes what finished long enough ago, and nothing else", async () => {
    const client = createClient()
    const completed = await enqueued(client)
    await finishAll(client.queue, "completed")
    await enqueued(client)
    await finishAll(client.queue, "failed")
    const pending = await enqueued(client)
    const none = { removed: { completed: 0, failed: 0, cancelled: 0 } }
    expect((await client.call("POST", "/v1/cleanup")).body).toEqual(none)
    expect((await client.call("POST", "/v1/cleanup", { body: { olderThanSeconds: 3600 } })).body).toEqual(
      none,
    )
    const { status, body } = await client.call("POST", "/v1/cleanup", { body: { olderThanSeconds: 0 } })
    expect({ status, body }).toEqual({
      status: 200,
      body: { removed: { completed: 1, failed: 1, cancelled: 0 } },
    })
    expect((await client.call("GET", `/v1/requests/${completed}`)).status).toBe(404)
    expect((await client.call("GET", `/v1/requests/${pending}`)).body.state).toBe("pending")
  })

  it.each([{ olderThanSeconds: -1 }, { olderThanSeconds: "1h" }, { olderThan: 1 }, []])(
    "refuses %j",
    async (body) => {
      expect((await createClient().call("POST", "/v1/cleanup", { body })).status).toBe(400)
    },
  )
})

describe("pause and resume", () => {
  it("holds the whole queue, and is idempotent", async () => {
    const client = createClient()
    await enqueued(client)
    for (const verb of ["pause", "pause"]) {
      const { status, body } = await client.call("POST", `/v1/queue/${verb}`)
      expect({ status, body }).toEqual({ status: 200, body: { name: client.queueName, paused: true } })
    }
    expect(await claimAll(client.queue)).toEqual([])
    expect((await client.call("GET", "/v1/stats")).body.providers.openai.paused).toBe(true)
    const { body } = await client.call("POST", "/v1/queue/resume")
    expect(body).toEqual({ name: client.queueName, paused: false })
    expect(await claimAll(client.queue)).toHaveLength(1)
  })

  it("holds one provider, and delays no other", async () => {
    const client = createClient()
    await enqueued(client, { provider: "openai" })
    await enqueued(client, { provider: "deepseek" })
    const { status, body } = await client.call("POST", "/v1/providers/openai/pause")
    expect({ status, body }).toEqual({ status: 200, body: { name: "openai", paused: true } })
    expect((await claimAll(client.queue)).map(({ head }) => head.provider)).toEqual(["deepseek"])
    expect((await client.call("POST", "/v1/providers/openai/resume")).body).toEqual({
      name: "openai",
      paused: false,
    })
    expect((await claimAll(client.queue)).map(({ head }) => head.provider)).toEqual(["openai"])
    expect((await client.call("POST", "/v1/providers/acme/pause")).status).toBe(404)
  })
})
