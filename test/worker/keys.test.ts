import { beforeEach, describe, expect, it } from "vitest"
import { type Client, createClient, enqueued, finishAll, requestBody } from "./client.ts"

const TENANT = { name: "web", organizationId: "org-1", scopes: ["enqueue", "read", "cancel"] }

let client: Client
beforeEach(() => {
  client = createClient()
})

async function issue(changes: Record<string, unknown> = {}): Promise<{ key: string; keyId: string }> {
  const { status, body } = await client.call("POST", "/v1/keys", { body: { ...TENANT, ...changes } })
  expect(status, JSON.stringify(body)).toBe(201)
  return body
}

describe("issuing", () => {
  it("tells the key once, and lists it without the key or its digest", async () => {
    const { status, body } = await client.call("POST", "/v1/keys", {
      body: { ...TENANT, maxPriority: "high", ratePerMinute: 100 },
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({ ...TENANT, maxPriority: "high", ratePerMinute: 100, expiresAt: null })
    expect(body.key).toMatch(/^aiq_[\w-]{43}$/)
    const list = await client.call("GET", "/v1/keys")
    expect(list.body.data).toEqual([expect.objectContaining({ keyId: body.keyId, name: "web" })])
    expect(JSON.stringify(list.body)).not.toContain(body.key)
    expect(JSON.stringify(list.body)).not.toMatch(/[0-9a-f]{64}/)
  })

  it.each([
    ["/name", { name: "" }],
    ["/organizationId", { organizationId: "no spaces" }],
    ["/scopes", { scopes: [] }],
    ["/scopes/0", { scopes: ["root"] }],
    ["/scopes", { scopes: ["admin"] }],
    ["/expiresAt", { expiresAt: 1 }],
    ["/maxPriority", { maxPriority: "urgent" }],
    ["/ratePerMinute", { ratePerMinute: 0 }],
    ["/colour", { colour: "red" }],
  ])("refuses a bad %s", async (path, changes) => {
    const { status, body } = await client.call("POST", "/v1/keys", { body: { ...TENANT, ...changes } })
    expect(status).toBe(400)
    expect(body.errors.map((error: { path: string }) => error.path)).toContain(path)
  })

  it("is for admins only", async () => {
    const { key } = await issue()
    expect((await client.call("POST", "/v1/keys", { key, body: TENANT })).status).toBe(403)
    expect((await client.call("GET", "/v1/keys", { key })).status).toBe(403)
    expect((await client.call("DELETE", "/v1/keys/key_0", { key })).status).toBe(403)
    expect((await client.call("GET", "/v1/audit", { key })).status).toBe(403)
  })
})

describe("a tenant's key", () => {
  it("works for its organization alone, whichever way it asks", async () => {
    const mine = await issue()
    const theirs = await issue({ organizationId: "org-2" })
    const requestId = await enqueued(client, { organizationId: "org-2" })
    await finishAll(client.queue, "failed")
    const key = mine.key
    for (const [method, path] of [
      ["GET", `/v1/requests/${requestId}`],
      ["GET", `/v1/requests/${requestId}?include=messages`],
      ["DELETE", `/v1/requests/${requestId}`],
      ["POST", `/v1/requests/${requestId}/replay`],
      ["GET", `/api/ai/queue?action=status&requestId=${requestId}`],
      ["DELETE", `/api/ai/queue?requestId=${requestId}`],
    ] as const) {
      expect((await client.call(method, path, { key })).status, `${method} ${path}`).toBe(404)
    }
    const body = requestBody({ organizationId: "org-2" })
    for (const [path, sent] of [
      ["/v1/requests", body],
      ["/v1/requests/bulk", { requests: [requestBody(), body] }],
      ["/api/ai/queue", body],
    ] as const) {
      expect((await client.call("POST", path, { key, body: sent })).status, path).toBe(403)
    }
    expect((await client.call("GET", "/v1/requests?organizationId=org-2", { key })).status).toBe(403)
    expect((await client.call("GET", "/v1/requests?state=failed", { key })).body.data).toEqual([])
    const stats = await client.call("GET", "/v1/stats", { key })
    expect(Object.keys(stats.body).sort()).toEqual(["counts", "partial"])
    expect(stats.body.counts.failed).toBe(0)
    expect((await client.call("GET", "/v1/health", { key })).body).toEqual({ status: "ok" })
    expect((await client.call("GET", `/v1/requests/${requestId}`, { key: theirs.key })).status).toBe(200)
  })

  it("needs no organizationId, and is held to its highest priority", async () => {
    const { key } = await issue({ maxPriority: "normal" })
    const { organizationId: _, ...body } = requestBody()
    const accepted = await client.call("POST", "/v1/requests", { key, body })
    expect(accepted.status).toBe(202)
    const status = await client.call("GET", `/v1/requests/${accepted.body.requestId}`, { key })
    expect(status.body.organizationId).toBe("org-1")
    const urgent = await client.call("POST", "/v1/requests", { key, body: { ...body, priority: "high" } })
    expect(urgent.status).toBe(403)
  })

  it("may do what its scopes say", async () => {
    const { key } = await issue({ scopes: ["read"] })
    expect((await client.call("POST", "/v1/requests", { key, body: requestBody() })).status).toBe(403)
    expect((await client.call("GET", "/v1/requests", { key })).status).toBe(200)
    expect((await client.call("DELETE", `/v1/requests/${await enqueued(client)}`, { key })).status).toBe(403)
  })

  it("stops at its rate, and says when to come again", async () => {
    const { key } = await issue({ ratePerMinute: 5 })
    const statuses: number[] = []
    for (let i = 0; i < 12; i++) statuses.push((await client.call("GET", "/v1/requests", { key })).status)
    // A minute may end in between: then there are five more.
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(10)
    expect(statuses).toContain(429)
    const { headers, body } = await client.call("GET", "/v1/requests", { key })
    if (body.code !== undefined) {
      expect(body.code).toBe("rate_limited")
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0)
      expect(headers.get("ratelimit")).toBe(`"key";r=0;t=${headers.get("retry-after")}`)
    }
  })

  it("tells its rate and what is left of it", async () => {
    const { key } = await issue({ ratePerMinute: 1000 })
    const { headers } = await client.call("GET", "/v1/requests", { key })
    expect(headers.get("ratelimit-policy")).toBe('"key";q=1000;w=60')
    expect(headers.get("ratelimit")).toMatch(/^"key";r=999;t=([1-9]|[1-5]\d|60)$/)
    expect((await client.call("GET", "/v1/requests")).headers.get("ratelimit")).toBeNull()
  })
})

describe("keys that do not work", () => {
  it.each([
    ["a near miss", (key: string) => `${key.slice(0, -1)}${key.endsWith("A") ? "B" : "A"}`],
    ["one that is cut", (key: string) => key.slice(0, -1)],
    ["another prefix", (key: string) => key.replace("aiq_", "api_")],
    ["other letters", (key: string) => key.toUpperCase()],
    ["one that was never issued", () => `aiq_${"A".repeat(43)}`],
  ])("%s: 401", async (_, change) => {
    const { key } = await issue()
    const { status, headers } = await client.call("GET", "/v1/requests", { key: change(key) })
    expect(status).toBe(401)
    expect(headers.get("www-authenticate")).toBe("Bearer")
  })

  it("one that has expired: 401", async () => {
    const { key } = await issue({ expiresAt: Date.now() + 300 })
    expect((await client.call("GET", "/v1/requests", { key })).status).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 350))
    expect((await client.call("GET", "/v1/requests", { key })).status).toBe(401)
  })

  it("one that was revoked: 401 in every isolate that has not seen it, 404 for revoking again", async () => {
    const { key, keyId } = await issue()
    expect((await client.call("DELETE", `/v1/keys/${keyId}`)).status).toBe(204)
    expect((await client.call("GET", "/v1/requests", { key })).status).toBe(401)
    expect((await client.call("DELETE", `/v1/keys/${keyId}`)).status).toBe(404)
  })

  it("one of another queue: 401", async () => {
    const { key } = await issue()
    expect((await createClient().call("GET", "/v1/requests", { key })).status).toBe(401)
  })
})

describe("the audit", () => {
  it("tells who did what to which, newest first, and never a prompt or a key", async () => {
    const { key, keyId } = await issue()
    const requestId = await enqueued(client, { messages: [{ role: "user", content: "MARKER-PROMPT" }] })
    const failed = await enqueued(client)
    await client.call("DELETE", `/v1/requests/${requestId}`, { key })
    await client.call("DELETE", `/v1/requests/${requestId}`, { key })
    await finishAll(client.queue, "failed")
    await client.call("POST", `/v1/requests/${failed}/replay`)
    await finishAll(client.queue, "failed")
    await client.call("DELETE", `/v1/requests/${failed}`)
    await client.call("POST", "/v1/queue/pause")
    await client.call("POST", "/v1/queue/resume")
    await client.call("POST", "/v1/providers/openai/pause")
    await client.call("POST", "/v1/cleanup")
    await client.call("GET", "/v1/requests", { key: `aiq_${"A".repeat(43)}` })
    await client.call("DELETE", `/v1/keys/${keyId}`)

    const { body } = await client.call("GET", "/v1/audit?limit=100")
    expect(body.nextCursor).toBeNull()
    const actions = body.data.map((entry: { action: string }) => entry.action)
    expect(actions.filter((action: string) => action !== "auth.refused")).toEqual(
      [
        ...["key.issued", "request.cancelled", "request.replayed", "request.discarded"],
        ...["queue.paused", "queue.resumed", "provider.paused", "queue.cleaned", "key.revoked"],
      ].reverse(),
    )
    expect(actions).toContain("auth.refused")
    const cancelled = body.data.find((entry: { action: string }) => entry.action === "request.cancelled")
    expect(cancelled).toMatchObject({ keyId, organizationId: "org-1", target: requestId })
    expect(JSON.stringify(body)).not.toContain("MARKER-PROMPT")
    expect(JSON.stringify(body)).not.toContain(key)
  })

  it("goes on page by page", async () => {
    for (let i = 0; i < 5; i++) await client.call("POST", "/v1/cleanup")
    const first = await client.call("GET", "/v1/audit?limit=3")
    const second = await client.call("GET", `/v1/audit?limit=3&cursor=${first.body.nextCursor}`)
    expect([first.body.data.length, second.body.data.length]).toEqual([3, 2])
    expect(second.body.nextCursor).toBeNull()
    for (const cursor of ["x", "0-0", "99999999999999999999-0"]) {
      expect((await client.call("GET", `/v1/audit?cursor=${cursor}`)).status).toBe(400)
    }
  })

  it("does not let refusals flood it", async () => {
    for (let i = 0; i < 30; i++) await client.call("GET", "/v1/requests", { key: null })
    const { body } = await client.call("GET", "/v1/audit?limit=100")
    // At most ten a minute, of which one may end in between.
    expect(body.data.length).toBeLessThanOrEqual(20)
    expect(body.data.length).toBeGreaterThan(0)
  })
})
