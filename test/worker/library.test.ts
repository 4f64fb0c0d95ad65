import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { AIRequestQueue } from "../../src/library/index.ts"
import { type Client, createClient, enqueued, requestBody } from "./client.ts"

const MESSAGES = [{ role: "user" as const, content: "Say hello." }]

/** The library inside workerd, with the bindings of the Worker beside it. */
function libraryOf({ queueName }: Client): AIRequestQueue {
  return new AIRequestQueue({ env: { ...env }, queueName })
}

describe("the library beside the Worker", () => {
  it("enqueues what the Worker's drain calls and its API shows", async () => {
    const client = createClient()
    const queue = libraryOf(client)
    const requestId = await queue.enqueue("openai", "gpt-5", MESSAGES, { organizationId: "org-1" })
    const before = await client.call("GET", `/v1/requests/${requestId}`)
    expect(before.body).toMatchObject({ state: "pending", organizationId: "org-1", simulated: true })
    const waiting = queue.waitFor(requestId)
    await client.tick()
    const status = await waiting
    expect(status).toMatchObject({ state: "completed", attempts: [{ provider: "openai", status: 200 }] })
    expect((await client.call("GET", `/v1/requests/${requestId}`)).body).toEqual(status)
  })

  it("completes and fails what was posted, as the API then shows", async () => {
    const client = createClient()
    const queue = libraryOf(client)
    const posted = [await enqueued(client, { priority: "high" }), await enqueued(client)]
    const taken = await queue.dequeueMany(10)
    expect(taken.map(({ requestId }) => requestId)).toEqual(posted)
    expect(await queue.complete(posted[0] ?? "", "Hello from a service.")).toBe(true)
    expect(await queue.fail(posted[1] ?? "", { code: "provider_rejected", message: "Not like this." })).toBe(
      false,
    )
    const [first, second] = await Promise.all(posted.map((id) => client.call("GET", `/v1/requests/${id}`)))
    expect(first?.body).toMatchObject({
      state: "completed",
      response: { choices: [{ message: { content: "Hello from a service." } }] },
      attempts: [{ number: 1, provider: "openai", model: "gpt-5", result: "completed" }],
    })
    expect(second?.body).toMatchObject({
      state: "failed",
      error: { code: "provider_rejected", message: "Not like this.", retryable: false },
    })
    const { body } = await client.call("GET", "/v1/stats")
    expect(body.counts).toMatchObject({ pending: 0, processing: 0, completed: 1, failed: 1 })
  })

  it("shares its idempotency keys with the API, single and bulk", async () => {
    const client = createClient()
    const queue = libraryOf(client)
    const headers = { "Idempotency-Key": "order-7" }
    const body = requestBody({ organizationId: "org-1", maxRetries: 2 })
    const { body: posted } = await client.call("POST", "/v1/requests", { body, headers })
    const options = { organizationId: "org-1", maxRetries: 2, idempotencyKey: "order-7" }
    expect(await queue.enqueue("openai", "gpt-5", MESSAGES, options)).toBe(posted.requestId)
    const entry = { provider: "openai", model: "gpt-5", messages: MESSAGES, organizationId: "org-1" }
    const ids = await queue.enqueueMany([entry, entry], { idempotencyKey: "bulk-7" })
    const bulk = await client.call("POST", "/v1/requests/bulk", {
      body: { requests: [entry, entry] },
      headers: { "Idempotency-Key": "bulk-7" },
    })
    expect(bulk.headers.get("Idempotency-Replayed")).toBe("true")
    expect(bulk.body.requests.map(({ requestId }: { requestId: string }) => requestId)).toEqual(ids)
  })

  it("works on what a paused queue lets it: nothing", async () => {
    const client = createClient()
    const requestId = await enqueued(client)
    await client.call("POST", "/v1/queue/pause")
    const queue = libraryOf(client)
    expect(await queue.dequeue()).toBeNull()
    await client.call("POST", "/v1/queue/resume")
    expect(await queue.dequeue()).toMatchObject({ requestId })
  })
})
