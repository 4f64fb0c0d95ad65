import { describe, expect, it } from "vitest"
import { claimAll, createClient, enqueued, finishAll, requestBody } from "./client.ts"

const ROUTES = JSON.stringify({
  fast: [
    { provider: "openai", model: "gpt-5-mini", weight: 3 },
    { provider: "deepseek", model: "deepseek-flash" },
  ],
  clever: [{ provider: "anthropic", model: "claude-opus-4-5" }],
})
const routed = (changes = {}) => requestBody({ provider: "auto", model: "fast", ...changes })
const deepseek = { provider: "deepseek", model: "deepseek-flash" }

describe("a request to a route", () => {
  it("shows the route, and in its attempts where it went", async () => {
    const client = createClient({ ROUTES })
    const { status, body } = await client.call("POST", "/v1/requests", { body: routed() })
    expect({ status, body }).toMatchObject({
      status: 202,
      body: { state: "pending", position: 1, provider: "auto", model: "fast" },
    })
    await client.tick()
    const request = (await client.call("GET", `/v1/requests/${body.requestId}`)).body
    expect(request).toMatchObject({ provider: "auto", model: "fast", fallbacks: [], state: "completed" })
    expect(request.attempts).toMatchObject([
      { number: 1, provider: "openai", model: "gpt-5-mini", result: "completed" },
    ])
  })

  it("goes to its targets by their weights", async () => {
    const client = createClient({ ROUTES })
    const requests = Array.from({ length: 40 }, () => routed())
    expect((await client.call("POST", "/v1/requests/bulk", { body: { requests } })).status).toBe(202)
    const targets = (await claimAll(client.queue, 40)).map(({ target }) => target.provider)
    expect(targets.filter((provider) => provider === "openai")).toHaveLength(30)
    expect(targets.filter((provider) => provider === "deepseek")).toHaveLength(10)
  })

  it("can be posted, and is stranded by nothing, when its route is taken out of the settings", async () => {
    const client = createClient({ ROUTES })
    const requestId = await enqueued(client, { provider: "auto", model: "clever" })
    const later = createClient({ QUEUE_NAME: client.queueName })
    const refused = await later.call("POST", "/v1/requests", { body: routed() })
    expect(refused).toMatchObject({ status: 400, body: { code: "invalid_request" } })
    expect(refused.body.detail).toContain("set ROUTES")
    await finishAll(later.queue, "completed")
    const { body } = await later.call("GET", `/v1/requests/${requestId}`)
    expect(body).toMatchObject({ state: "completed", attempts: [{ provider: "anthropic" }] })
  })

  it("is refused when there is no such route, with those that there are", async () => {
    const client = createClient({ ROUTES })
    for (const path of ["/v1/requests", "/v1/requests/bulk"]) {
      const wrong = routed({ model: "slow" })
      const options = { body: path.endsWith("bulk") ? { requests: [routed(), wrong] } : wrong }
      const { status, body } = await client.call("POST", path, options)
      expect({ status, code: body.code }).toEqual({ status: 400, code: "invalid_request" })
      expect(body.errors).toEqual([
        {
          path: path.endsWith("bulk") ? "/requests/1/model" : "/model",
          message: "must be the name of a route: fast, clever",
        },
      ])
    }
    expect((await client.queue.stats()).counts.pending).toBe(0)
  })

  it("can be replayed, and repeated under an idempotency key", async () => {
    const client = createClient({ ROUTES })
    const post = () =>
      client.call("POST", "/v1/requests", { body: routed(), headers: { "idempotency-key": "a" } })
    const { requestId } = (await post()).body
    expect((await post()).body.requestId).toBe(requestId)
    await finishAll(client.queue, "failed")
    const replayed = await client.call("POST", `/v1/requests/${requestId}/replay`)
    expect(replayed).toMatchObject({ status: 202, body: { provider: "auto", model: "fast" } })
    expect((await claimAll(client.queue)).map(({ head }) => head.requestId)).toEqual([requestId])
  })
})

describe("a request with fallbacks", () => {
  it("shows them, and no others where there are none", async () => {
    const client = createClient()
    const shown = async (changes: Record<string, unknown>) => {
      const { body } = await client.call("GET", `/v1/requests/${await enqueued(client, changes)}`)
      return body.fallbacks
    }
    expect(await shown({})).toEqual([])
    expect(await shown({ fallbacks: [] })).toEqual([])
    expect(await shown({ fallbacks: [deepseek] })).toEqual([deepseek])
    const { body } = await client.call("GET", "/v1/requests?organizationId=org-1")
    expect(body.data.map(({ fallbacks }: { fallbacks: unknown }) => fallbacks)).toEqual([[deepseek], [], []])
  })

  it("is called at its fallback at once when its provider has trouble", async () => {
    const client = createClient({ OPENAI_BASE_URL: "http://127.0.0.1:1/v1" })
    const requestId = await enqueued(client, { fallbacks: [deepseek] })
    await client.tick()
    const { body } = await client.call("GET", `/v1/requests/${requestId}`)
    expect(body).toMatchObject({ provider: "openai", state: "completed", simulated: true, error: null })
    expect(body.attempts).toMatchObject([
      { number: 1, provider: "openai", model: "gpt-5", error: { code: "provider_unavailable" } },
      { number: 2, ...deepseek, result: "completed", error: null },
    ])
  })

  it("stores nothing when one is not configured, and points at it", async () => {
    const client = createClient()
    const fallbacks = [deepseek, { provider: "acme", model: "m" }]
    const requests = [requestBody(), requestBody({ fallbacks })]
    const { status, body } = await client.call("POST", "/v1/requests/bulk", { body: { requests } })
    expect({ status, code: body.code }).toEqual({ status: 400, code: "provider_not_configured" })
    expect(body.errors).toMatchObject([{ path: "/requests/1/fallbacks/1/provider" }])
    expect((await client.queue.stats()).counts.pending).toBe(0)
  })
})
