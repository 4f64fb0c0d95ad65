import { describe, expect, it } from "vitest"
import { createClient, requestBody } from "./client.ts"

const client = createClient()
const DAY_MS = 86_400_000

async function post(changes: Record<string, unknown>) {
  return client.call("POST", "/v1/requests", { body: requestBody(changes) })
}

async function stored(changes: Record<string, unknown>) {
  const { status, body } = await post(changes)
  expect(body).not.toHaveProperty("errors")
  expect(status).toBe(202)
  return (await client.call("GET", `/v1/requests/${body.requestId}?include=messages`)).body
}

describe("POST /v1/requests", () => {
  it("answers 202 with the place, and where to look", async () => {
    const own = createClient()
    const before = Date.now()
    const { status, headers, body } = await own.call("POST", "/v1/requests", { body: requestBody() })
    expect(status).toBe(202)
    expect(headers.get("location")).toBe(`/v1/requests/${body.requestId}`)
    expect(body).toEqual({
      requestId: expect.stringMatching(/^req_[0-9a-z]+$/),
      state: "pending",
      position: 1,
      priority: "normal",
      provider: "openai",
      model: "gpt-5",
      createdAt: expect.any(Number),
    })
    expect(body.createdAt).toBeGreaterThanOrEqual(before)
    expect(body.createdAt).toBeLessThanOrEqual(Date.now())
    const second = await own.call("POST", "/v1/requests", { body: requestBody({ priority: "critical" }) })
    expect(second.body.position).toBe(1)
    const third = await own.call("POST", "/v1/requests", { body: requestBody() })
    expect(third.body.position).toBe(3)
  })

  it("takes the whole example of the contract", async () => {
    const { status, body } = await post({
      provider: "deepseek",
      model: "deepseek-flash",
      messages: [{ role: "user", content: "ESG compliance analysis" }],
      priority: "high",
      organizationId: "org-123",
      options: { temperature: 0.2, max_tokens: 500 },
      providerOptions: {},
      timeoutMs: 30000,
      maxRetries: 3,
      delayMs: 0,
      scheduledAt: null,
      deadlineAt: null,
      resultTtlSeconds: 86400,
      metadata: { trace: "abc" },
    })
    expect(status).toBe(202)
    expect(body).toMatchObject({
      state: "pending",
      priority: "high",
      provider: "deepseek",
      model: "deepseek-flash",
    })
  })

  it("keeps what was sent, and fills in the settings' defaults", async () => {
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "user", name: "ada", content: [{ type: "text", text: '\u{1F600} \u2028 "quoted" \\ é' }] },
    ]
    const request = await stored({ messages, metadata: { trace: "é" } })
    expect(request).toMatchObject({ messages, metadata: { trace: "é" }, organizationId: "org-1" })
    expect(request).toMatchObject({
      timeoutMs: 30_000,
      maxRetries: 3,
      resultTtlSeconds: 86_400,
      deadlineAt: null,
    })
    const own = createClient({ REQUEST_TIMEOUT_MS: "5000", MAX_RETRIES: "1", RESULT_TTL_SECONDS: "120" })
    const { body } = await own.call("POST", "/v1/requests", { body: requestBody() })
    const { body: other } = await own.call("GET", `/v1/requests/${body.requestId}`)
    expect(other).toMatchObject({ timeoutMs: 5000, maxRetries: 1, resultTtlSeconds: 120 })
  })

  it("schedules for later by delayMs or scheduledAt; a past instant means now", async () => {
    const before = Date.now()
    const delayed = await stored({ delayMs: 60_000 })
    expect(delayed).toMatchObject({ state: "scheduled", position: null })
    expect(delayed.scheduledAt).toBeGreaterThanOrEqual(before + 60_000)
    const at = Date.now() + 29 * DAY_MS
    expect(await stored({ scheduledAt: at })).toMatchObject({ state: "scheduled", scheduledAt: at })
    expect(await stored({ scheduledAt: 1000 })).toMatchObject({ state: "pending", scheduledAt: null })
  })

  it("stores nothing when something is wrong, and names every problem", async () => {
    const own = createClient()
    const wrong = { provider: "openai", model: "", priority: "urgent", temperature: 1, maxRetries: 11 }
    const { status, headers, body } = await own.call("POST", "/v1/requests", { body: wrong })
    expect(status).toBe(400)
    expect(headers.get("content-type")).toBe("application/problem+json")
    expect(body).toMatchObject({
      type: "about:blank",
      title: "Bad Request",
      status: 400,
      code: "invalid_request",
    })
    expect(
      Object.fromEntries(body.errors.map(({ path, message }: Record<string, string>) => [path, message])),
    ).toEqual({
      "/messages": "is required",
      "/model": "must have 1 to 128 characters",
      "/priority": 'must be one of "critical", "high", "normal", "low"',
      "/maxRetries": "must be a whole number from 0 to 10",
      "/temperature": "is not known here: use options.temperature",
      "/organizationId": "is required with a key for all organizations",
    })
    expect((await own.queue.stats()).counts.pending).toBe(0)
  })

  it.each([
    ["provider_not_configured", createClient({ ALLOW_SIMULATOR: "0" }), { provider: "openai" }],
    ["provider_not_configured", client, { provider: "acme" }],
    ["invalid_request", client, { provider: "auto" }],
    ["provider_not_configured", client, { fallbacks: [{ provider: "acme", model: "m" }] }],
    ["invalid_request", client, { callback: { url: "https://127.0.0.1/hook" } }],
  ])("answers 400 %s", async (code, own, changes) => {
    const { status, body } = await own.call("POST", "/v1/requests", { body: requestBody(changes) })
    expect({ status, code: body.code }).toEqual({ status: 400, code })
    expect(body.errors).toHaveLength(1)
  })

  it("answers 429 queue_full with Retry-After when the queue is full", async () => {
    const own = createClient({ MAX_PENDING: "2" })
    const statuses = []
    for (let i = 0; i < 3; i++) {
      statuses.push((await own.call("POST", "/v1/requests", { body: requestBody() })).status)
    }
    expect(statuses).toEqual([202, 202, 429])
    const { headers, body } = await own.call("POST", "/v1/requests", { body: requestBody() })
    expect(body.code).toBe("queue_full")
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0)
  })
})

describe("POST /v1/requests/bulk", () => {
  it("stores all, in order, with the place of the first and the last", async () => {
    const own = createClient()
    const requests = Array.from({ length: 20 }, (_, i) => requestBody({ model: `model-${i}` }))
    const { status, body } = await own.call("POST", "/v1/requests/bulk", { body: { requests } })
    expect(status).toBe(202)
    expect(body.requests.map(({ model }: { model: string }) => model)).toEqual(
      requests.map(({ model }) => model),
    )
    expect(body.requests[0]).toEqual({
      requestId: expect.any(String),
      state: "pending",
      position: 1,
      priority: "normal",
      provider: "openai",
      model: "model-0",
      createdAt: expect.any(Number),
    })
    expect(body.requests[19].position).toBe(20)
    expect(new Set(body.requests.map(({ requestId }: { requestId: string }) => requestId)).size).toBe(20)
    expect((await own.queue.stats()).counts.pending).toBe(20)
  })

  it("stores nothing when one entry is wrong, and points at it", async () => {
    const own = createClient()
    const requests = [requestBody(), requestBody(), requestBody(), requestBody({ model: 7 })]
    const { status, body } = await own.call("POST", "/v1/requests/bulk", { body: { requests } })
    expect(status).toBe(400)
    expect(body.errors).toEqual([{ path: "/requests/3/model", message: "must be a string" }])
    expect((await own.queue.stats()).counts.pending).toBe(0)
  })

  it("takes 1 to 1000 entries", async () => {
    const own = createClient()
    const many = Array.from({ length: 1000 }, () => requestBody())
    expect((await own.call("POST", "/v1/requests/bulk", { body: { requests: many } })).status).toBe(202)
    expect((await own.queue.stats()).counts.pending).toBe(1000)
    for (const requests of [[], [...many, requestBody()], "all", undefined]) {
      const { status, body } = await own.call("POST", "/v1/requests/bulk", { body: { requests } })
      expect(status).toBe(400)
      expect(body.errors[0].path).toBe("/requests")
    }
    expect((await own.queue.stats()).counts.pending).toBe(1000)
  })

  it("answers 413 for more than 8 MiB, for one entry over MAX_REQUEST_BYTES, and for what the store cannot take", async () => {
    const bulk = (contents: string[]) => ({
      requests: contents.map((content) => requestBody({ messages: [{ role: "user", content }] })),
    })
    const large = Array.from({ length: 9 }, () => "x".repeat(1_000_000))
    const entry = ["x", "y".repeat(1_100_000)]
    // 6 MB of quotes: 12 MB as JSON inside JSON inside JSON.
    const quotes = Array.from({ length: 6 }, () => '"'.repeat(500_000))
    for (const contents of [large, entry, quotes]) {
      const { status, body } = await client.call("POST", "/v1/requests/bulk", { body: bulk(contents) })
      expect({ status, code: body.code }).toEqual({ status: 413, code: "too_large" })
    }
    const fits = await client.call("POST", "/v1/requests/bulk", { body: bulk(large.slice(0, 8)) })
    expect(fits.status).toBe(202)
  })
})
