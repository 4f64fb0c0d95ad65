import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import type { Principal } from "../../src/auth/principal.ts"
import { SCOPES } from "../../src/core/contracts/access.ts"
import { deliveryIdOf } from "../../src/core/delivery.ts"
import { createWebhookStore } from "../../src/queue/webhooks.ts"
import { startTestStore, type TestStore } from "../helpers/store.ts"
import { type Call, composeServices, createCall, requestBody, withPrincipals } from "./server.ts"

const tenant: Principal = {
  ...{ keyId: "k1", organizationId: "org-1", scopes: ["enqueue", "read"] },
  ...{ maxPriority: null, ratePerMinute: null },
}
const principals: Record<string, Principal> = {
  one: tenant,
  two: { ...tenant, keyId: "k2", organizationId: "org-2" },
  reader: { ...tenant, keyId: "k3", scopes: ["read"] },
  operator: { ...tenant, keyId: "k0", organizationId: "*", scopes: SCOPES },
  clerk: { ...tenant, keyId: "k4", organizationId: "*", scopes: ["enqueue"] },
}

let store: TestStore
let call: Call
let webhooks: ReturnType<typeof createWebhookStore>
beforeAll(async () => {
  store = await startTestStore("embedded")
  call = createCall(withPrincipals(composeServices(store, "hooks"), principals))
  webhooks = createWebhookStore({ redis: { url: store.url, token: store.token }, queueName: "hooks" })
})
afterAll(() => store.close())
beforeEach(() => store.flush())

const status = async (...args: Parameters<Call>) => (await call(...args)).status

describe("/v1/webhook-secrets", () => {
  it("tells a new secret once, lists it without, and ends it", async () => {
    const { status: created, body } = await call(
      "POST",
      "/v1/webhook-secrets",
      { organizationId: "org-1" },
      "operator",
    )
    expect(created).toBe(201)
    expect(body).toEqual({
      secretId: expect.stringMatching(/^whs_[0-9a-f]{16}$/),
      organizationId: "org-1",
      secret: expect.stringMatching(/^whsec_/),
      createdAt: expect.any(Number),
    })
    const { secret, ...shown } = body
    const list = await call("GET", "/v1/webhook-secrets", undefined, "operator")
    expect(list.body).toEqual({ data: [{ ...shown, expiresAt: null }] })
    expect(await status("DELETE", `/v1/webhook-secrets/${body.secretId}`, undefined, "operator")).toBe(204)
    expect(await status("DELETE", `/v1/webhook-secrets/${body.secretId}`, undefined, "operator")).toBe(404)
    expect((await call("GET", "/v1/webhook-secrets", undefined, "operator")).body.data).toEqual([])
    const audit = await call("GET", "/v1/audit", undefined, "operator")
    const entries = audit.body.data.map(({ action, target, keyId }: Record<string, string>) => [
      action,
      target,
      keyId,
    ])
    expect(entries).toEqual([
      ["webhook_secret.ended", body.secretId, "k0"],
      ["webhook_secret.issued", body.secretId, "k0"],
    ])
    expect(JSON.stringify(audit.body)).not.toContain(secret)
  })

  it("says when the secret before ends", async () => {
    await call("POST", "/v1/webhook-secrets", undefined, "one")
    const { body } = await call("POST", "/v1/webhook-secrets", {}, "one")
    const { data } = (await call("GET", "/v1/webhook-secrets", undefined, "one")).body
    expect(data.map(({ expiresAt }: { expiresAt: number | null }) => expiresAt)).toEqual([
      null,
      body.createdAt + 86_400_000,
    ])
  })

  it("is an organization's own business, and nobody else's", async () => {
    const { body } = await call("POST", "/v1/webhook-secrets", undefined, "one")
    expect(body.organizationId).toBe("org-1")
    expect((await call("GET", "/v1/webhook-secrets", undefined, "two")).body.data).toEqual([])
    expect(await status("DELETE", `/v1/webhook-secrets/${body.secretId}`, undefined, "two")).toBe(404)
    for (const path of ["/v1/webhook-secrets?organizationId=org-1"]) {
      expect(await status("GET", path, undefined, "two")).toBe(403)
    }
    expect(await status("POST", "/v1/webhook-secrets", { organizationId: "org-1" }, "two")).toBe(403)
    for (const key of ["reader", "clerk"]) {
      expect(await status("POST", "/v1/webhook-secrets", { organizationId: "org-1" }, key)).toBe(403)
      expect(await status("GET", "/v1/webhook-secrets", undefined, key)).toBe(403)
    }
    expect(await status("DELETE", `/v1/webhook-secrets/${body.secretId}`, undefined, "one")).toBe(204)
  })

  it.each([
    [{}, "/organizationId", "is required with a key for all organizations"],
    [
      { organizationId: "a b" },
      "/organizationId",
      "must be 1 to 64 letters, digits, dots, dashes or underscores, or * (what signs alerts)",
    ],
    [{ organizationId: "org-1", secret: "x" }, "/secret", "is not known here"],
  ])("refuses %j", async (body, path, message) => {
    const answer = await call("POST", "/v1/webhook-secrets", body, "operator")
    expect({ status: answer.status, errors: answer.body.errors }).toEqual({
      status: 400,
      errors: [{ path, message }],
    })
  })

  it("says of a secret that may have been stored under which id", async () => {
    store.bridge.faults.inject({ fault: "status", status: 500, contains: "webhook-secrets", times: 8 })
    const { status: answered, body } = await call("POST", "/v1/webhook-secrets", undefined, "one")
    expect({ answered, ...body }).toMatchObject({
      answered: 503,
      maybeStored: true,
      secretId: expect.any(String),
    })
  })
})

describe("/v1/deliveries", () => {
  const requestId = "req_1m8650amf00005356tsz986"
  const deliveryId = deliveryIdOf({ requestId, state: "completed", replays: 0 })
  const delivery = {
    ...{ deliveryId, requestId, organizationId: "org-1", type: "request.completed" as const },
    ...{ url: "https://example.com/hook", state: "delivered" as const, nextAttemptAt: null },
    attempts: [{ at: 1, status: 200, durationMs: 5, error: null }],
  }
  let createdAt: number
  beforeEach(async () => {
    createdAt = Date.now()
    await webhooks.deliveries.write({ ...delivery, createdAt, tries: 1, until: createdAt }, "as it is")
  })
  const list = async (query: string, key = "one") =>
    (await call("GET", `/v1/deliveries${query}`, undefined, key)).body

  it("shows what became of a callback, to whom it concerns", async () => {
    const shown = { ...delivery, createdAt }
    expect((await call("GET", `/v1/deliveries/${deliveryId}`, undefined, "one")).body).toEqual(shown)
    for (const [query, key] of [
      ["", "one"],
      [`?requestId=${requestId}`, "one"],
      [`?requestId=${requestId}`, "operator"],
      ["?organizationId=org-1", "operator"],
      ["?organizationId=org-1&state=delivered", "operator"],
    ] as const) {
      expect(await list(query, key)).toEqual({ data: [shown], nextCursor: null })
    }
    for (const query of ["?state=failed", `?requestId=${requestId}&state=failed`]) {
      expect(await list(query)).toEqual({ data: [], nextCursor: null })
    }
  })

  it("shows nothing of it to others", async () => {
    expect(await list("", "two")).toEqual({ data: [], nextCursor: null })
    expect(await list(`?requestId=${requestId}`, "two")).toEqual({ data: [], nextCursor: null })
    expect(await status("GET", "/v1/deliveries?organizationId=org-1", undefined, "two")).toBe(403)
    expect(await status("GET", `/v1/deliveries/${deliveryId}`, undefined, "two")).toBe(404)
    expect(await status("POST", `/v1/deliveries/${deliveryId}/redeliver`, undefined, "two")).toBe(404)
    expect(await status("GET", "/v1/deliveries", undefined, "clerk")).toBe(403)
    expect(await status("POST", `/v1/deliveries/${deliveryId}/redeliver`, undefined, "reader")).toBe(403)
  })

  it("goes page by page", async () => {
    const second = deliveryIdOf({ requestId, state: "failed", replays: 1 })
    await webhooks.deliveries.write(
      { ...delivery, deliveryId: second, createdAt: createdAt + 1, tries: 1, until: createdAt },
      "as it is",
    )
    const first = await list("?limit=1")
    expect(first.data.map((each: { deliveryId: string }) => each.deliveryId)).toEqual([second])
    const rest = await list(`?limit=1&cursor=${first.nextCursor}`)
    expect(rest.data.map((each: { deliveryId: string }) => each.deliveryId)).toEqual([deliveryId])
  })

  it.each([
    ["", "operator", "/organizationId", "or requestId is required with a key for all organizations"],
    [
      "?state=done",
      "one",
      "/state",
      'must be one of "pending", "delivered", "failed", "exhausted", "blocked"',
    ],
    ["?requestId=1", "one", "/requestId", "must be a request's id"],
    ["?limit=101", "one", "/limit", "must be a whole number from 1 to 100"],
    ["?cursor=x", "one", "/cursor", "must be the nextCursor of an earlier page"],
  ])("refuses %j", async (query, key, path, message) => {
    expect((await list(query, key)).errors).toEqual([{ path, message }])
  })

  it("knows no other ids", async () => {
    for (const id of ["msg_1", `${deliveryId}_1`, deliveryId.replace("completed", "pending")]) {
      expect(await status("GET", `/v1/deliveries/${id}`, undefined, "one")).toBe(404)
      expect(await status("POST", `/v1/deliveries/${id}/redeliver`, undefined, "one")).toBe(404)
    }
  })

  it("redelivers what is still kept, and notes who wanted it", async () => {
    expect(await status("POST", `/v1/deliveries/${deliveryId}/redeliver`, undefined, "one")).toBe(409)
    const body = { url: "https://example.com/hook?token=1", body: "{}" }
    await webhooks.deliveries.write(
      { ...delivery, state: "exhausted", createdAt, tries: 19, until: createdAt },
      body,
    )
    const answer = await call("POST", `/v1/deliveries/${deliveryId}/redeliver`, undefined, "one")
    expect({ status: answer.status, ...answer.body }).toMatchObject({
      status: 202,
      deliveryId,
      state: "pending",
    })
    expect((await list("?state=pending")).data).toHaveLength(1)
    const audit = await call("GET", "/v1/audit", undefined, "operator")
    expect(audit.body.data).toMatchObject([
      { action: "delivery.redelivered", target: deliveryId, keyId: "k1" },
    ])
  })
})

describe("a request with a callback", () => {
  const callback = {
    url: "https://example.com/hook?token=1",
    events: ["request.failed"],
    includeResponse: true,
  }

  it("is taken one by one, in bulk, and by the action API", async () => {
    const body = requestBody({ callback })
    const one = await call("POST", "/v1/requests", body, "operator")
    const bulk = await call("POST", "/v1/requests/bulk", { requests: [body] }, "operator")
    const action = await call("POST", "/api/ai/queue", body, "operator")
    for (const requestId of [one.body.requestId, bulk.body.requests[0].requestId, action.body.requestId]) {
      const { body: found } = await call("GET", `/v1/requests/${requestId}`, undefined, "operator")
      expect(found.callback).toEqual(callback)
    }
  })

  it("is the same under an Idempotency-Key only with the same callback", async () => {
    const post = (changes: object) =>
      call(
        "POST",
        "/v1/requests",
        requestBody({ callback: { ...callback, ...changes } }),
        "operator",
        "key-1",
      )
    const first = await post({})
    expect((await post({})).body.requestId).toBe(first.body.requestId)
    expect((await post({ url: "https://example.com/other" })).status).toBe(422)
  })
})
