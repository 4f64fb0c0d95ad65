import { describe, expect, it } from "vitest"
import { systemClock } from "../../src/core/clock.ts"
import { createIdGenerator } from "../../src/core/ids.ts"
import { type Client, createClient, finishAll } from "./client.ts"

const CHAT = { model: "gpt-5", messages: [{ role: "user", content: "Say hello." }] }
const ASYNC = { Prefer: "respond-async" }

async function keyOf(client: Client, organizationId: string, scopes: string[]): Promise<string> {
  const body = { name: "test", organizationId, scopes }
  return (await client.call("POST", "/v1/keys", { body })).body.key
}

const post = (client: Client, headers: Record<string, string>, key?: string) =>
  client.call("POST", "/v1/chat/completions", {
    body: CHAT,
    headers: { ...ASYNC, ...headers },
    ...(key && { key }),
  })

describe("POST /v1/chat/completions", () => {
  it("takes the organization from the key, else from the header, else `default`", async () => {
    const client = createClient()
    const key = await keyOf(client, "org-7", ["enqueue"])
    const organizations = []
    for (const answer of [
      await post(client, {}),
      await post(client, { "OpenAI-Organization": "org-8" }),
      await post(client, { "OpenAI-Organization": "org-8" }, key),
      await client.call("POST", "/v1/chat/completions", {
        body: CHAT,
        key: null,
        headers: { ...ASYNC, "x-api-key": key },
      }),
    ]) {
      expect(answer.status).toBe(202)
      const { body } = await client.call("GET", answer.headers.get("location") ?? "")
      organizations.push(body.organizationId)
    }
    expect(organizations).toEqual(["default", "org-8", "org-7", "org-7"])
  })

  it.each([
    ["X-Queue-Priority", "urgent", "must be one of critical, high, normal, low"],
    ["X-Queue-Timeout", "30s", "must be a whole number from 1000 to 600000, ms"],
    ["X-Queue-Timeout", "999", "must be a whole number from 1000 to 600000, ms"],
    ["X-Queue-Request-Id", "mine", "must be the id of a request, made just now"],
    [
      "X-Queue-Request-Id",
      createIdGenerator(() => 1_000_000_000_000)(),
      "must be the id of a request, made just now",
    ],
    ["OpenAI-Organization", "no such/name", "must be 1 to 64 letters, digits, dots, dashes or underscores"],
  ])("%s: %s is told in OpenAI's shape", async (name, value, message) => {
    const { status, body } = await post(createClient(), { [name]: value })
    expect(status).toBe(400)
    expect(body).toEqual({
      error: {
        message: `The header ${name} ${message}.`,
        type: "invalid_request_error",
        param: null,
        code: "invalid_request",
      },
    })
  })

  it("gives the request the id that its caller made", async () => {
    const id = createIdGenerator(systemClock)()
    const { status, body, headers } = await post(createClient(), { "X-Queue-Request-Id": id })
    expect([status, body.requestId, headers.get("x-queue-request-id")]).toEqual([202, id, id])
  })

  it("names what is wrong by OpenAI's paths", async () => {
    const body = { ...CHAT, model: "nowhere/x", messages: [{ role: "user" }], stream: "yes" }
    const answer = await createClient().call("POST", "/v1/chat/completions", { body })
    expect(answer.status).toBe(400)
    expect(answer.body.error).toMatchObject({ param: "stream", code: "invalid_request" })
    expect(answer.body.error.message).toContain("messages[0].content is required")
  })
})

describe("/v1/responses/{id}", () => {
  it("shows a request of the key's organization alone, and what became of it", async () => {
    const client = createClient()
    const own = await keyOf(client, "org-1", ["enqueue", "read"])
    const other = await keyOf(client, "org-2", ["read", "cancel"])
    const body = { model: "gpt-5", input: "Say hello.", background: true, metadata: { trace: "abc" } }
    const posted = await client.call("POST", "/v1/responses", { body, key: own })
    expect(posted).toMatchObject({ status: 200, body: { status: "queued", metadata: { trace: "abc" } } })
    const path = `/v1/responses/${posted.body.id}`
    expect((await client.call("GET", path, { key: other })).status).toBe(404)
    expect((await client.call("POST", `${path}/cancel`, { key: other })).status).toBe(404)
    const forbidden = await client.call("POST", `${path}/cancel`, { key: own })
    expect(forbidden).toMatchObject({ status: 403, body: { error: { type: "permission_error" } } })
    expect((await client.call("GET", `${path}?stream=true`, { key: own })).body.error.code).toBe(
      "not_supported",
    )

    await finishAll(client.queue, "failed")
    const failed = await client.call("GET", path, { key: own })
    expect(failed.body).toMatchObject({
      status: "failed",
      error: { code: "invalid_prompt", message: "It was refused." },
    })
    // A dead letter is kept for a replay, which its cancel would discard.
    expect((await client.call("POST", `${path}/cancel`)).body).toMatchObject({ status: "failed" })
    expect((await client.call("GET", path, { key: own })).status).toBe(200)
  })
})

describe("GET /v1/models", () => {
  it("has both vendors' shapes, and names with slashes", async () => {
    const client = createClient({
      MODELS: '{"acme/smart": "openai/gpt-5", "cheap": "deepseek/deepseek-chat"}',
    })
    const openai = await client.call("GET", "/v1/models")
    const model = { id: "acme/smart", object: "model", created: 0, owned_by: "openai" }
    expect(openai.body).toMatchObject({ object: "list", data: [model, { id: "cheap" }] })
    expect((await client.call("GET", "/v1/models/acme/smart")).body).toEqual(model)
    expect((await client.call("GET", "/v1/models/acme%2Fsmart")).body).toEqual(model)

    const headers = { "anthropic-version": "2023-06-01" }
    const anthropic = await client.call("GET", "/v1/models", { headers })
    const shown = {
      type: "model",
      id: "acme/smart",
      display_name: "acme/smart",
      created_at: "1970-01-01T00:00:00.000Z",
    }
    expect(anthropic.body).toMatchObject({
      data: [shown, { id: "cheap" }],
      has_more: false,
      first_id: "acme/smart",
      last_id: "cheap",
    })
    expect(await client.call("GET", "/v1/models/other")).toMatchObject({
      status: 404,
      body: { error: { code: "not_found" } },
    })
    expect((await client.call("GET", "/v1/models/other", { headers })).body).toMatchObject({ type: "error" })
  })
})
