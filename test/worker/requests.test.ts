import { describe, expect, it } from "vitest"
import { COMPLETION, claimAll, createClient, enqueued, finishAll } from "./client.ts"

const UNKNOWN = "req_1m8650amf00005356tsz986"

describe("GET /v1/requests/{requestId}", () => {
  it("shows a pending request whole, with null for what is not there", async () => {
    const client = createClient()
    const requestId = await enqueued(client, { priority: "high", metadata: { trace: "abc" } })
    const { status, body } = await client.call("GET", `/v1/requests/${requestId}`)
    expect(status).toBe(200)
    expect(body).toEqual({
      requestId,
      state: "pending",
      provider: "openai",
      model: "gpt-5",
      priority: "high",
      organizationId: "org-1",
      fallbacks: [],
      position: 1,
      estimatedStartAt: null,
      simulated: true,
      replays: 0,
      createdAt: expect.any(Number),
      scheduledAt: null,
      startedAt: null,
      finishedAt: null,
      attempts: [],
      response: null,
      usage: null,
      costUsd: null,
      error: null,
      metadata: { trace: "abc" },
      callback: null,
      batchId: null,
      deadlineAt: null,
      timeoutMs: 30_000,
      maxRetries: 3,
      resultTtlSeconds: 86_400,
    })
  })

  it("shows processing, then the outcome with its attempt, response and usage", async () => {
    const client = createClient()
    const requestId = await enqueued(client)
    await claimAll(client.queue)
    const processing = await client.call("GET", `/v1/requests/${requestId}`)
    expect(processing.body).toMatchObject({
      state: "processing",
      position: null,
      startedAt: expect.any(Number),
    })

    const other = createClient()
    const finishedId = await enqueued(other)
    await finishAll(other.queue, "completed")
    const { body } = await other.call("GET", `/v1/requests/${finishedId}`)
    expect(body).toMatchObject({
      state: "completed",
      position: null,
      finishedAt: expect.any(Number),
      response: COMPLETION,
      usage: {
        inputTokens: 3,
        cachedInputTokens: 0,
        cacheWriteInputTokens: 0,
        outputTokens: 2,
        reasoningTokens: 0,
      },
      error: null,
    })
    expect(body.attempts).toEqual([
      {
        ...{ number: 1, provider: "openai", model: "gpt-5", startedAt: body.startedAt },
        ...{ finishedAt: body.startedAt + 10, result: "completed", error: null, status: 200 },
        ...{ providerRequestId: "vendor-1", possiblyBilled: false },
      },
    ])
  })

  it("adds the messages while they are kept, when asked", async () => {
    const client = createClient()
    const requestId = await enqueued(client)
    const asked = await client.call("GET", `/v1/requests/${requestId}?include=messages`)
    expect(asked.body.messages).toEqual([{ role: "user", content: "Say hello." }])
    expect((await client.call("GET", `/v1/requests/${requestId}`)).body).not.toHaveProperty("messages")
    await finishAll(client.queue, "completed")
    expect((await client.call("GET", `/v1/requests/${requestId}?include=messages`)).body.messages).toBeNull()
    for (const query of ["include=response", "includes=messages", "include=messages&include=messages"]) {
      expect((await client.call("GET", `/v1/requests/${requestId}?${query}`)).status).toBe(400)
    }
  })

  it("is 404 for what is unknown", async () => {
    const client = createClient()
    for (const requestId of [UNKNOWN, "nonsense", "%zz", "req_", "..%2Fstats"]) {
      const { status, body } = await client.call("GET", `/v1/requests/${requestId}`)
      expect({ requestId, status, code: body.code }).toEqual({ requestId, status: 404, code: "not_found" })
    }
  })
})

describe("DELETE /v1/requests/{requestId}", () => {
  it("cancels a pending, a scheduled and a processing request, and again with the same answer", async () => {
    const client = createClient()
    const processing = await enqueued(client)
    await claimAll(client.queue)
    const pending = await enqueued(client)
    const scheduled = await enqueued(client, { delayMs: 60_000 })
    for (const requestId of [pending, scheduled, processing, pending]) {
      const { status, body } = await client.call("DELETE", `/v1/requests/${requestId}`)
      expect({ status, body }).toEqual({ status: 200, body: { requestId, state: "cancelled" } })
      expect((await client.call("GET", `/v1/requests/${requestId}`)).body.state).toBe("cancelled")
    }
    expect(await claimAll(client.queue)).toEqual([])
  })

  it("is 409 for a completed one and 404 for an unknown one", async () => {
    const client = createClient()
    const requestId = await enqueued(client)
    await finishAll(client.queue, "completed")
    const { status, body } = await client.call("DELETE", `/v1/requests/${requestId}`)
    expect({ status, code: body.code }).toEqual({ status: 409, code: "conflict" })
    expect((await client.call("DELETE", `/v1/requests/${UNKNOWN}`)).status).toBe(404)
  })

  it("discards a dead letter", async () => {
    const client = createClient()
    const requestId = await enqueued(client)
    await finishAll(client.queue, "failed")
    const { status, body } = await client.call("DELETE", `/v1/requests/${requestId}`)
    expect({ status, body }).toEqual({ status: 200, body: { requestId, state: "failed", discarded: true } })
    expect((await client.call("GET", `/v1/requests/${requestId}`)).status).toBe(404)
  })
})

describe("POST /v1/requests/{requestId}/replay", () => {
  it("puts a failed request back, with its history, its creation and no deadline", async () => {
    const client = createClient()
    const requestId = await enqueued(client, { priority: "low", deadlineAt: Date.now() + 60_000 })
    await finishAll(client.queue, "failed")
    const failed = (await client.call("GET", `/v1/requests/${requestId}`)).body
    expect(failed).toMatchObject({
      state: "failed",
      error: { code: "provider_rejected", status: 400 },
      replays: 0,
    })

    const { status, headers, body } = await client.call("POST", `/v1/requests/${requestId}/replay`)
    expect({ status, body }).toEqual({
      status: 202,
      body: {
        ...{ requestId, state: "pending", position: 1, priority: "low", provider: "openai", model: "gpt-5" },
        createdAt: failed.createdAt,
      },
    })
    expect(headers.get("location")).toBe(`/v1/requests/${requestId}`)
    const replayed = (await client.call("GET", `/v1/requests/${requestId}`)).body
    expect(replayed).toMatchObject({
      state: "pending",
      replays: 1,
      deadlineAt: null,
      attempts: failed.attempts,
    })
    await finishAll(client.queue, "completed")
    const finished = (await client.call("GET", `/v1/requests/${requestId}`)).body
    expect(finished.attempts.map(({ number }: { number: number }) => number)).toEqual([1, 2])
  })

  it("takes a new deadline, and refuses a past one or anything else", async () => {
    const client = createClient()
    const requestId = await enqueued(client)
    await finishAll(client.queue, "failed")
    const path = `/v1/requests/${requestId}/replay`
    for (const body of [{ deadlineAt: 1000 }, { deadlineAt: "soon" }, { priority: "high" }, []]) {
      expect((await client.call("POST", path, { body })).status).toBe(400)
    }
    const deadlineAt = Date.now() + 60_000
    expect((await client.call("POST", path, { body: { deadlineAt } })).status).toBe(202)
    expect((await client.call("GET", `/v1/requests/${requestId}`)).body.deadlineAt).toBe(deadlineAt)
  })

  it("is 409 for what has not failed and 404 for what is unknown", async () => {
    const client = createClient()
    const requestId = await enqueued(client)
    const { status, body } = await client.call("POST", `/v1/requests/${requestId}/replay`)
    expect({ status, code: body.code }).toEqual({ status: 409, code: "conflict" })
    await finishAll(client.queue, "completed")
    expect((await client.call("POST", `/v1/requests/${requestId}/replay`)).status).toBe(409)
    expect((await client.call("POST", `/v1/requests/${UNKNOWN}/replay`)).status).toBe(404)
  })
})

describe("GET /v1/requests", () => {
  const ids = (body: { data: { requestId: string }[] }) => body.data.map(({ requestId }) => requestId)

  it("lists newest first, page by page, without responses", async () => {
    const client = createClient()
    const created = []
    for (let i = 0; i < 5; i++) created.push(await enqueued(client))
    created.reverse()
    const pages = []
    let cursor = ""
    for (let i = 0; i < 5; i++) {
      const { status, body } = await client.call(
        "GET",
        `/v1/requests?organizationId=org-1&limit=2&cursor=${cursor}`,
      )
      expect(status).toBe(200)
      pages.push(...ids(body))
      if (body.nextCursor === null) break
      cursor = body.nextCursor
    }
    expect(pages).toEqual(created)
    await finishAll(client.queue, "completed")
    const { body } = await client.call("GET", "/v1/requests?state=completed")
    expect(new Set(ids(body))).toEqual(new Set(created))
    expect(body.data[0]).toMatchObject({ state: "completed", usage: { inputTokens: 3 } })
    expect(body.data[0]).not.toHaveProperty("response")
  })

  it("filters by state and organization", async () => {
    const client = createClient()
    const one = await enqueued(client, { organizationId: "org-1" })
    const two = await enqueued(client, { organizationId: "org-2", delayMs: 60_000 })
    const list = async (query: string) => ids((await client.call("GET", `/v1/requests?${query}`)).body)
    expect(await list("state=pending")).toEqual([one])
    expect(await list("state=scheduled")).toEqual([two])
    expect(await list("organizationId=org-2")).toEqual([two])
    expect(await list("organizationId=org-2&state=pending")).toEqual([])
    expect(await list("organizationId=org-3")).toEqual([])
  })

  it("has 20 on a page unless told otherwise", async () => {
    const client = createClient()
    const requests = Array.from({ length: 21 }, () => ({
      ...{ provider: "openai", model: "m", organizationId: "o", messages: [{ role: "user", content: "x" }] },
    }))
    await client.call("POST", "/v1/requests/bulk", { body: { requests } })
    const { body } = await client.call("GET", "/v1/requests?state=pending")
    expect(body.data).toHaveLength(20)
    expect(body.nextCursor).toEqual(expect.any(String))
    expect((await client.call("GET", "/v1/requests?state=pending&limit=100")).body.data).toHaveLength(21)
  })

  it.each([
    ["/state", ""],
    ["/state", "limit=10"],
    ["/state", "state=done"],
    ["/limit", "state=pending&limit=0"],
    ["/limit", "state=pending&limit=101"],
    ["/limit", "state=pending&limit=ten"],
    ["/limit", "state=pending&limit=1.5"],
    ["/cursor", "state=pending&cursor=abc"],
    ["/organizationId", "organizationId=a%20b"],
    ["/organisation", "state=pending&organisation=x"],
    ["/state", "state=pending&state=failed"],
  ])("refuses a query with a bad %s: %s", async (path, query) => {
    const { status, body } = await createClient().call("GET", `/v1/requests?${query}`)
    expect({ status, code: body.code }).toEqual({ status: 400, code: "invalid_request" })
    expect(body.errors[0].path).toBe(path)
  })
})
