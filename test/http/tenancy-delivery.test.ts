import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Principal } from "../../src/auth/principal.ts"
import { createApp } from "../../src/http/app.ts"
import { createWebhookStore } from "../../src/queue/webhooks.ts"
import { documented } from "../helpers/documented.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { composeServices, withPrincipals } from "./server.ts"

const QUEUE = "tenancy-delivery"
const tenant: Principal = {
  ...{ keyId: "k1", organizationId: "org-1", maxPriority: null, ratePerMinute: null },
  scopes: ["enqueue", "read", "cancel"],
}
const principals: Record<string, Principal> = {
  one: tenant,
  two: { ...tenant, keyId: "k2", organizationId: "org-2" },
  none: { ...tenant, keyId: "k3", scopes: [] },
}
const MESSAGES = [{ role: "user", content: "a secret prompt" }]

let store: TestStore
/** The answer of the API to one of these callers, who may claim to be another organization. */
let ask: (key: string, method: string, path: string, body?: object) => Promise<Answer>
/** What the first organization has. */
let theirs: Record<"file" | "upload" | "batch" | "messageBatch" | "response" | "request", string>
let deliveryId: string

interface Answer {
  status: number
  text: string
}

beforeAll(async () => {
  store = await startBestStore()
  const services = withPrincipals(composeServices(store, QUEUE), principals)
  const app = createApp(() => ({ services, problems: [] }))
  ask = async (key, method, path, body) => {
    const isForm = body instanceof FormData
    const answer = await app.request(path, {
      method,
      headers: {
        ...{ authorization: `Bearer ${key}`, "openai-organization": "org-1" },
        ...(isForm ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
    })
    await documented({ method, path, ...(isForm ? {} : { body }) }, answer)
    return { status: answer.status, text: await answer.text() }
  }
  const made = async (path: string, body: object): Promise<string> => {
    const { text } = await ask("one", "POST", path, body)
    const { id, requestId } = JSON.parse(text)
    return id ?? requestId
  }
  const form = new FormData()
  form.append("purpose", "batch")
  const line = { custom_id: "1", method: "POST", url: "/v1/chat/completions" }
  form.append("file", new Blob([JSON.stringify({ ...line, body: { model: "gpt-5", messages: MESSAGES } })]))
  const file = await made("/v1/files", form)
  const upload = { bytes: 10, filename: "a", mime_type: "text/plain", purpose: "batch" }
  const batch = { input_file_id: file, endpoint: "/v1/chat/completions", completion_window: "24h" }
  const params = { model: "openai/gpt-5", max_tokens: 9, messages: MESSAGES }
  const request = { provider: "openai", model: "gpt-5", messages: MESSAGES }
  theirs = {
    file,
    upload: await made("/v1/uploads", upload),
    batch: await made("/v1/batches", batch),
    messageBatch: await made("/v1/messages/batches", { requests: [{ custom_id: "1", params }] }),
    response: await made("/v1/responses", { model: "gpt-5", input: "a secret prompt", background: true }),
    request: await made("/v1/requests", request),
  }
  deliveryId = `msg_${theirs.request.slice(4)}_completed_0`
  const { deliveries } = createWebhookStore({ redis: store, queueName: QUEUE })
  const now = Date.now()
  await deliveries.write(
    {
      ...{ deliveryId, requestId: theirs.request, organizationId: "org-1", type: "request.completed" },
      ...{ url: "https://example.com/hook", state: "failed", attempts: [], nextAttemptAt: now },
      ...{ createdAt: now, tries: 1, until: now },
    },
    { url: "https://example.com/hook", body: "{}" },
  )
  await ask("one", "POST", "/v1/webhook-secrets", {})
})
afterAll(() => store.close())

/** Every route to something of its own. */
function routes(): [method: string, path: string, body?: object][] {
  const { file, upload, batch, messageBatch, response, request } = theirs
  const form = new FormData()
  form.append("data", new Blob(["0123456789"]))
  return [
    ["GET", `/v1/files/${file}`],
    ["GET", `/v1/files/${file}/content`],
    ["DELETE", `/v1/files/${file}`],
    ["POST", `/v1/uploads/${upload}/parts`, form],
    ["POST", `/v1/uploads/${upload}/complete`, { part_ids: ["part_1"] }],
    ["POST", `/v1/uploads/${upload}/cancel`],
    ["GET", `/v1/batches/${batch}`],
    ["POST", `/v1/batches/${batch}/cancel`],
    ["GET", `/v1/messages/batches/${messageBatch}`],
    ["GET", `/v1/messages/batches/${messageBatch}/results`],
    ["POST", `/v1/messages/batches/${messageBatch}/cancel`],
    ["DELETE", `/v1/messages/batches/${messageBatch}`],
    ["GET", `/v1/responses/${response}`],
    ["POST", `/v1/responses/${response}/cancel`],
    ["GET", `/v1/requests/${request}?wait=1`],
    ["GET", `/v1/requests/${request}/events`],
    ["GET", `/v1/deliveries/${deliveryId}`],
    ["POST", `/v1/deliveries/${deliveryId}/redeliver`],
  ]
}

describe("another organization's key", () => {
  it("finds nothing of what this one has, by whichever route", async () => {
    const found: string[] = []
    for (const [method, path, body] of routes()) {
      const { status } = await ask("two", method, path, body)
      if (status !== 404) found.push(`${method} ${path}: ${status}`)
    }
    expect(found).toEqual([])
  })

  it("lists nothing of it, whatever it claims to be", async () => {
    const lists = [
      "/v1/files",
      "/v1/batches",
      "/v1/messages/batches",
      "/v1/webhook-secrets",
      "/v1/deliveries",
    ]
    for (const path of [...lists, `/v1/deliveries?requestId=${theirs.request}`]) {
      const { status, text } = await ask("two", "GET", path)
      expect({ path, status, data: JSON.parse(text).data }).toEqual({ path, status: 200, data: [] })
      expect(JSON.parse((await ask("one", "GET", path)).text).data).not.toEqual([])
    }
    for (const path of ["/v1/deliveries?organizationId=org-1", "/v1/webhook-secrets?organizationId=org-1"]) {
      expect((await ask("two", "GET", path)).status).toBe(403)
    }
    expect((await ask("two", "POST", "/v1/webhook-secrets", { organizationId: "org-1" })).status).toBe(403)
  })

  it("makes no batch of its file", async () => {
    const batch = { input_file_id: theirs.file, endpoint: "/v1/chat/completions", completion_window: "24h" }
    expect((await ask("two", "POST", "/v1/batches", batch)).status).toBe(400)
  })

  it("ends none of its secrets", async () => {
    const [secret] = JSON.parse((await ask("one", "GET", "/v1/webhook-secrets")).text).data
    expect((await ask("two", "DELETE", `/v1/webhook-secrets/${secret.secretId}`)).status).toBe(404)
  })
})

describe("a key without scopes", () => {
  it("gets 403 from all of these routes", async () => {
    const allowed: string[] = []
    for (const [method, path, body] of routes()) {
      const { status } = await ask("none", method, path, body)
      if (status !== 403) allowed.push(`${method} ${path}: ${status}`)
    }
    expect(allowed).toEqual([])
  })
})
