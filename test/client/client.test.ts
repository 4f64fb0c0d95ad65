import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { AIRequestQueueClient, type NewRequest, type QueueStats } from "../../src/client/client.ts"
import { eventually } from "../helpers/eventually.ts"
import { ADMIN_KEY, type ServedQueue, serveQueue } from "./served-queue.ts"

// The embedded store takes its time for hundreds of requests at once.
vi.setConfig({ testTimeout: 60_000 })

let queue: ServedQueue
let client: AIRequestQueueClient
beforeAll(async () => {
  queue = await serveQueue()
  client = new AIRequestQueueClient({ url: queue.url, apiKey: ADMIN_KEY })
  vi.spyOn(console, "log").mockImplementation(() => undefined)
})
afterEach(() => queue.reset())
afterAll(async () => {
  vi.restoreAllMocks()
  await queue.close()
})

let organizations = 0
/** Each test has an organization of its own. */
const newOrganization = () => `org-${++organizations}`

function chat(content: string, more: Partial<NewRequest> = {}): NewRequest {
  const messages = [{ role: "user" as const, content }]
  return { provider: "openai", model: "a-model", organizationId: "org", messages, ...more }
}

describe("a request's life", () => {
  it("is enqueued, waited for and read, with what was asked of it", async () => {
    const enqueued = await client.enqueue(chat("What is ESG?", { priority: "high", metadata: { a: "b" } }))
    expect(enqueued).toMatchObject({ state: "pending", position: 1, priority: "high", provider: "openai" })
    expect(await client.status(enqueued.requestId, { includeMessages: true })).toMatchObject({
      state: "pending",
      messages: [{ role: "user", content: "What is ESG?" }],
    })
    const waiting = client.waitFor(enqueued.requestId)
    await queue.tick()
    const { state, response, metadata } = await waiting
    expect({ state, metadata }).toEqual({ state: "completed", metadata: { a: "b" } })
    expect(response?.choices[0]?.message.content).toContain("What is ESG?")
  })

  it("is unknown as null, also when it cannot be an id", async () => {
    expect(await client.status("req_0000000000000000000000a")).toBeNull()
    expect(await client.status("../stats?x")).toBeNull()
  })

  it("ends by a cancel, once; a completed one refuses it", async () => {
    const { requestId } = await client.enqueue(chat("Never mind"))
    expect(await client.cancel(requestId)).toEqual({ requestId, state: "cancelled" })
    expect(await client.cancel(requestId)).toEqual({ requestId, state: "cancelled" })
    expect(await client.waitFor(requestId)).toMatchObject({ state: "cancelled" })
    const done = await client.enqueue(chat("Done"))
    await queue.tick()
    await expect(client.cancel(done.requestId)).rejects.toMatchObject({ code: "conflict", status: 409 })
  })

  it("that failed is replayed, and can be discarded", async () => {
    const { requestId } = await client.enqueue(chat("Bad [[sim: error=rejected]]"))
    await queue.tick()
    expect(await client.waitFor(requestId)).toMatchObject({
      state: "failed",
      error: { code: "provider_rejected" },
    })
    expect(await client.replay(requestId)).toMatchObject({ requestId, state: "pending" })
    await expect(client.replay(requestId)).rejects.toMatchObject({ code: "conflict" })
    await queue.tick()
    expect(await client.cancel(requestId)).toEqual({ requestId, state: "failed", discarded: true })
    expect(await client.status(requestId)).toBeNull()
  })
})

describe("waitFor", () => {
  it("looks once, and then waits for the answer to the second look", async () => {
    const { requestId } = await client.enqueue(chat("Slowly"))
    queue.reset()
    const waiting = client.waitFor(requestId, { timeoutMs: 60_000 })
    await eventually(() => queue.exchanges.length >= 2)
    await queue.tick()
    expect(await waiting).toMatchObject({ state: "completed" })
    expect(queue.exchanges).toHaveLength(2)
  })

  it("leaves a request alone for as long as Retry-After says where its calls may not take long", async () => {
    const hasty = new AIRequestQueueClient({ url: queue.url, apiKey: ADMIN_KEY, timeoutMs: 5000 })
    const { requestId } = await hasty.enqueue(chat("Slowly"))
    queue.reset()
    const waiting = hasty.waitFor(requestId, { timeoutMs: 60_000 })
    await eventually(() => queue.exchanges.length >= 2)
    await queue.tick()
    expect(await waiting).toMatchObject({ state: "completed" })
    const [first, second] = queue.exchanges.map(({ at }) => at)
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(990)
  })

  it("looks once more when its time is up, and then gives up", async () => {
    const { requestId } = await client.enqueue(chat("Later", { delayMs: 60_000 }))
    queue.reset()
    await expect(client.waitFor(requestId, { timeoutMs: 500 })).rejects.toMatchObject({
      code: "wait_timeout",
    })
    expect(queue.exchanges).toHaveLength(2)
  })

  it("tells an unknown request, and a signal ends it with its own reason", async () => {
    await expect(client.waitFor("req_0000000000000000000000a")).rejects.toMatchObject({ code: "not_found" })
    const { requestId } = await client.enqueue(chat("Waits", { delayMs: 60_000 }))
    const controller = new AbortController()
    const waiting = client.waitFor(requestId, { signal: controller.signal })
    const reason = new Error("the user left")
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    expect(await client.status(requestId)).toMatchObject({ state: "scheduled" })
  })
})

describe("many requests", () => {
  it("go in as many calls as they need, in order, and are listed page by page", async () => {
    const organizationId = newOrganization()
    const requests = Array.from({ length: 1100 }, (_, i) => chat(`Number ${i}`, { organizationId }))
    const enqueued = await client.enqueueMany(requests, { idempotencyKey: "many" })
    expect(queue.exchanges.map(({ idempotencyKey }) => idempotencyKey)).toEqual(["many", "many+1000"])
    expect(new Set(enqueued.map(({ requestId }) => requestId)).size).toBe(1100)
    const last = await client.status(enqueued.at(-1)?.requestId ?? "", { includeMessages: true })
    expect(last?.messages).toEqual([{ role: "user", content: "Number 1099" }])

    const listed: string[] = []
    for await (const { requestId } of client.list({ organizationId })) listed.push(requestId)
    expect(listed.sort()).toEqual(enqueued.map(({ requestId }) => requestId).sort())
    const page = await client.listPage({ organizationId, limit: 2 })
    expect(page.data).toHaveLength(2)
    expect(page.data[0]).not.toHaveProperty("response")
  })

  it("fit the store however much their quotes grow", async () => {
    const organizationId = newOrganization()
    const text = '"'.repeat(400_000)
    const enqueued = await client.enqueueMany(Array.from({ length: 9 }, () => chat(text, { organizationId })))
    expect(enqueued).toHaveLength(9)
    expect(queue.exchanges.length).toBeGreaterThan(1)
    expect(await queue.count(organizationId)).toBe(9)
  })

  it("that fail half-way tell what is stored and what is wrong; the same again stores the rest alone", async () => {
    const organizationId = newOrganization()
    const requests = Array.from({ length: 1100 }, () => chat("Fine", { organizationId }))
    requests[1003] = chat("Wrong", { organizationId, model: "" })
    const error = await client.enqueueMany(requests).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: "invalid_request", status: 400, maybeStored: false })
    expect(error.errors).toEqual([{ path: "/requests/1003/model", message: expect.any(String) }])
    expect(error.enqueued).toHaveLength(1000)

    requests[1003] = chat("Right", { organizationId })
    const all = await client.enqueueMany(requests, { idempotencyKey: error.idempotencyKey })
    expect(all.slice(0, 1000)).toEqual(error.enqueued)
    expect(await queue.count(organizationId)).toBe(1100)
  })
})

describe("the queue", () => {
  it("shows its figures to an operator, and to a tenant its own", async () => {
    const organizationId = newOrganization()
    const issued = await client.keys.issue({ name: "tenant", organizationId, scopes: ["enqueue", "read"] })
    expect(issued.key).toMatch(/^aiq_/)
    const tenant = new AIRequestQueueClient({ url: `${queue.url}/`, apiKey: issued.key })
    const { provider, model, messages } = chat("Mine")
    await tenant.enqueue({ provider, model, messages })
    expect(await tenant.stats()).toMatchObject({ counts: { pending: 1 }, partial: false })
    expect(((await client.stats()) as QueueStats).pendingByProvider.openai).toBeGreaterThan(0)
    const { points, stepMs } = await client.history({ from: Date.now() - 86_400_000, stepSeconds: 3600 })
    expect(stepMs).toBe(3_600_000)
    expect(points.at(-1)?.enqueued).toBeGreaterThan(0)
    expect((await client.history()).stepMs).toBe(60_000)
    await expect(tenant.history()).rejects.toMatchObject({ code: "forbidden" })
    expect(await tenant.health()).toEqual({ status: "ok" })
    expect(await client.health()).toMatchObject({ status: "ok", store: { ok: true } })

    await expect(tenant.cancel("req_0000000000000000000000a")).rejects.toMatchObject({ code: "forbidden" })
    expect((await client.keys.list()).find(({ keyId }) => keyId === issued.keyId)).toMatchObject({
      name: "tenant",
      organizationId,
    })
    await client.keys.revoke(issued.keyId)
    await expect(client.keys.revoke(issued.keyId)).rejects.toMatchObject({ code: "not_found", status: 404 })
  })

  it("that is down says so; that is no answer of something else", async () => {
    queue.interfere = () => ({ status: 503, body: '{"status":"down"}' })
    expect(await client.health()).toEqual({ status: "down" })
    queue.interfere = () => ({ status: 200, body: "[]" })
    await expect(client.health()).rejects.toMatchObject({ code: "invalid_answer" })
  })
})
