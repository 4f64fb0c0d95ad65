import { describe, expect, it } from "vitest"
import { type Client, claimAll, createClient, enqueued } from "./client.ts"

const NONE = { concurrency: null, rpm: null, tpm: null }
const IDLE = { inFlight: 0, blockedUntil: null, breaker: "closed", cause: null, paused: false, pending: 0 }

async function shown(client: Client, name: string) {
  const { body } = await client.call("GET", "/v1/providers")
  return body.data.find((provider: { name: string }) => provider.name === name)
}

const patch = (client: Client, path: string, body: unknown) => client.call("PATCH", path, { body })

async function audited(client: Client) {
  const { body } = await client.call("GET", "/v1/audit")
  return body.data.map(({ action, target }: Record<string, string>) => [action, target])
}

describe("GET /v1/providers", () => {
  it("shows each configured provider, its limits and what it is at", async () => {
    const PROVIDER_LIMITS =
      '{"openai": {"concurrency": 2, "models": {"gpt-5": {"rpm": 60}}}, "acme": {"rpm": 9}}'
    const CUSTOM_PROVIDERS =
      '[{"name": "acme", "baseUrl": "http://127.0.0.1:1/v1", "wireFormat": "openai-chat"}]'
    const client = createClient({ PROVIDER_LIMITS, CUSTOM_PROVIDERS })
    for (let i = 0; i < 3; i++) await enqueued(client)
    await claimAll(client.queue)
    await client.call("POST", "/v1/providers/deepseek/pause")
    const { status, body } = await client.call("GET", "/v1/providers")
    expect(status).toBe(200)
    const simulated = { ...NONE, models: {}, ...IDLE, wireFormat: "openai-chat", simulated: true }
    expect(body).toEqual({
      data: [
        {
          ...{ ...simulated, name: "openai", concurrency: 2, models: { "gpt-5": { ...NONE, rpm: 60 } } },
          ...{ inFlight: 2, pending: 1 },
        },
        { ...simulated, name: "anthropic", wireFormat: "anthropic-messages" },
        { ...simulated, name: "deepseek", paused: true },
        { ...simulated, name: "acme", rpm: 9, simulated: false },
      ],
    })
  })
})

describe("PATCH /v1/providers/{name}", () => {
  it("sets and lifts limits, leaves the others, and answers what then holds", async () => {
    const client = createClient({ PROVIDER_LIMITS: '{"openai": {"concurrency": 5, "rpm": 600}}' })
    const models = { "gpt-5": { rpm: 60 }, "org/model é": { concurrency: 1 } }
    const change = { concurrency: 1, rpm: null, models }
    const { status, body } = await patch(client, "/v1/providers/openai", change)
    expect(status).toBe(200)
    expect(body).toEqual({
      ...{ name: "openai", ...NONE, concurrency: 1, ...IDLE, wireFormat: "openai-chat", simulated: true },
      models: { "gpt-5": { ...NONE, rpm: 60 }, "org/model é": { ...NONE, concurrency: 1 } },
    })
    expect(await shown(client, "openai")).toEqual(body)
    const second = await patch(client, "/v1/providers/openai", { tpm: 9000, models: { "gpt-5": null } })
    expect(second.body).toMatchObject({ concurrency: 1, rpm: null, tpm: 9000 })
    expect(Object.keys(second.body.models)).toEqual(["org/model é"])
    expect(await audited(client)).toEqual([
      ["provider.limits_changed", "openai"],
      ["provider.limits_changed", "openai"],
    ])
  })

  it("holds from the next claim on", async () => {
    const client = createClient()
    for (let i = 0; i < 3; i++) await enqueued(client)
    await patch(client, "/v1/providers/openai", { concurrency: 2 })
    expect(await claimAll(client.queue)).toHaveLength(2)
    expect(await claimAll(client.queue)).toHaveLength(0)
    await patch(client, "/v1/providers/openai", { concurrency: null })
    expect(await claimAll(client.queue)).toHaveLength(1)
  })

  const range = "must be a whole number from 1 to 10000000"
  it.each([
    ["", "changes nothing: set concurrency, rpm, tpm or models", {}],
    ["", "changes nothing: set concurrency, rpm, tpm or models", { models: {} }],
    ["", "must be an object", []],
    ["/rpm", range, { rpm: 0 }],
    ["/tpm", range, { tpm: 1.5 }],
    ["/concurrency", "must be a whole number", { concurrency: "5" }],
    ["/rps", "is not known here", { rps: 5 }],
    ["/models/gpt-5/rpm", range, { models: { "gpt-5": { rpm: -1 } } }],
    ["/models/gpt-5/models", "is not known here", { models: { "gpt-5": { models: {} } } }],
  ])("refuses at %j: %s", async (path, message, change) => {
    const client = createClient()
    const { status, body } = await patch(client, "/v1/providers/openai", change)
    expect({ status, code: body.code, errors: body.errors }).toEqual({
      ...{ status: 400, code: "invalid_request", errors: [{ path, message }] },
    })
    expect(await shown(client, "openai")).toMatchObject({ ...NONE, models: {} })
  })

  it("404 for a provider that is not configured, 415 and 413 for what is no small JSON", async () => {
    const client = createClient()
    for (const name of ["acme", "constructor", "auto"]) {
      const answer = await patch(client, `/v1/providers/${name}`, { rpm: 1 })
      expect(answer).toMatchObject({ status: 404, body: { code: "not_found" } })
    }
    const plain = { body: "rpm=1", headers: { "content-type": "text/plain" } }
    expect((await client.call("PATCH", "/v1/providers/openai", plain)).status).toBe(415)
    const models = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`model-${i}`, { rpm: 1000 }]))
    expect((await patch(client, "/v1/providers/openai", { models })).status).toBe(413)
  })
})

describe("PATCH /v1/organizations/{organizationId}", () => {
  it("gives it a share beside the others'", async () => {
    const client = createClient()
    const { status, body } = await patch(client, "/v1/organizations/big", { weight: 3 })
    expect({ status, body }).toEqual({ status: 200, body: { organizationId: "big", weight: 3 } })
    for (const organizationId of ["big", "small"]) {
      const requests = Array.from({ length: 40 }, () => requestOf(organizationId))
      await client.call("POST", "/v1/requests/bulk", { body: { requests } })
    }
    const served = (await claimAll(client.queue, 20)).map(({ head }) => head.organizationId)
    const ofBig = served.filter((organizationId) => organizationId === "big").length
    expect(ofBig).toBeGreaterThanOrEqual(14)
    expect(ofBig).toBeLessThanOrEqual(16)
    expect(await audited(client)).toEqual([["organization.weight_changed", "big"]])
  })

  it.each([0.1, 1, 2.5, 99.9, 100])("takes a weight of %d", async (weight) => {
    const { status, body } = await patch(createClient(), "/v1/organizations/org-1", { weight })
    expect({ status, weight: body.weight }).toEqual({ status: 200, weight })
  })

  it.each([0, 0.05, -1, 100.1, 1.25, "2", null, undefined])("refuses a weight of %j", async (weight) => {
    const { status, body } = await patch(createClient(), "/v1/organizations/org-1", { weight })
    expect({ status, errors: body.errors }).toEqual({
      status: 400,
      errors: [{ path: "/weight", message: "must be a number from 0.1 to 100, with one decimal at most" }],
    })
  })

  it("refuses what can be no organization's id, and other members", async () => {
    const client = createClient()
    for (const id of ["a%20b", "*", "x".repeat(65)]) {
      const { status, body } = await patch(client, `/v1/organizations/${id}`, { weight: 2 })
      expect({ status, path: body.errors[0].path }).toEqual({ status: 400, path: "/organizationId" })
    }
    expect((await patch(client, "/v1/organizations/org-1", { weight: 2, share: 1 })).status).toBe(400)
    expect(await audited(client)).toEqual([])
  })
})

function requestOf(organizationId: string) {
  const messages = [{ role: "user", content: "Say hello." }]
  return { provider: "openai", model: "gpt-5", messages, organizationId }
}
