import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Principal } from "../../src/auth/principal.ts"
import { SCOPES } from "../../src/core/contracts/access.ts"
import { startTestStore, type TestStore } from "../helpers/store.ts"
import { type Call, composeServices, createCall, requestBody, withPrincipals } from "./server.ts"

const tenant: Principal = {
  keyId: "k1",
  organizationId: "org-1",
  scopes: ["enqueue", "read", "cancel"],
  maxPriority: "high",
  ratePerMinute: null,
}
const principals: Record<string, Principal> = {
  one: tenant,
  two: { ...tenant, keyId: "k2", organizationId: "org-2" },
  operator: { keyId: "k0", organizationId: "*", scopes: SCOPES, maxPriority: null, ratePerMinute: null },
  reader: { keyId: "k3", organizationId: "*", scopes: ["read"], maxPriority: null, ratePerMinute: null },
  none: { ...tenant, scopes: [] },
}

let store: TestStore
let call: Call
beforeAll(async () => {
  store = await startTestStore("embedded")
  call = createCall(withPrincipals(composeServices(store, "tenancy"), principals))
})
afterAll(() => store.close())

const own = (changes = {}) => requestBody({ organizationId: undefined, ...changes })

describe("a tenant's key", () => {
  it("enqueues for its organization alone", async () => {
    const { status, body } = await call("POST", "/v1/requests", own(), "one")
    expect(status).toBe(202)
    expect(
      (await call("GET", `/v1/requests/${body.requestId}`, undefined, "operator")).body.organizationId,
    ).toBe("org-1")
    expect((await call("POST", "/v1/requests", requestBody({ organizationId: "org-1" }), "one")).status).toBe(
      202,
    )
    const foreign = await call("POST", "/v1/requests", requestBody({ organizationId: "org-2" }), "one")
    expect({ status: foreign.status, code: foreign.body.code }).toEqual({ status: 403, code: "forbidden" })
    const requests = [own(), own({ organizationId: "org-2" })]
    expect((await call("POST", "/v1/requests/bulk", { requests }, "one")).status).toBe(403)
  })

  it("is told what is wrong with a body before what it may not do", async () => {
    const wrong = requestBody({ organizationId: "org-2", model: "" })
    expect((await call("POST", "/v1/requests", wrong, "one")).status).toBe(400)
  })

  it("may ask for its greatest priority, and no greater", async () => {
    expect((await call("POST", "/v1/requests", own({ priority: "high" }), "one")).status).toBe(202)
    expect((await call("POST", "/v1/requests", own({ priority: "low" }), "one")).status).toBe(202)
    const { status, body } = await call("POST", "/v1/requests", own({ priority: "critical" }), "one")
    expect({ status, code: body.code }).toEqual({ status: 403, code: "forbidden" })
  })

  it("finds another's request nowhere", async () => {
    const { body } = await call("POST", "/v1/requests", own(), "one")
    const path = `/v1/requests/${body.requestId}`
    for (const [method, suffix] of [
      ["GET", ""],
      ["GET", "?include=messages"],
      ["DELETE", ""],
      ["POST", "/replay"],
    ] as const) {
      expect((await call(method, path + suffix, undefined, "two")).status).toBe(404)
    }
    const action = "/api/ai/queue?requestId="
    expect((await call("DELETE", action + body.requestId, undefined, "two")).status).toBe(404)
    expect((await call("GET", `${action}${body.requestId}&action=status`, undefined, "two")).status).toBe(404)
    expect((await call("GET", path, undefined, "one")).body.state).toBe("pending")
  })

  it("lists its own requests, without having to say so", async () => {
    const { body } = await call("POST", "/v1/requests", own(), "two")
    const page = await call("GET", "/v1/requests", undefined, "two")
    expect(page.body.data.map(({ requestId }: { requestId: string }) => requestId)).toEqual([body.requestId])
    const foreign = await call("GET", "/v1/requests?organizationId=org-1", undefined, "two")
    expect(foreign.status).toBe(403)
  })

  it("sees counts of its own requests, and says when there are more than it counted", async () => {
    const stats = async (key: string) => (await call("GET", "/v1/stats", undefined, key)).body
    const none = { scheduled: 0, processing: 0, completed: 0, failed: 0, cancelled: 0 }
    expect(await stats("two")).toEqual({ counts: { ...none, pending: 1 }, partial: false })
    const requests = Array.from({ length: 1000 }, () => own())
    expect((await call("POST", "/v1/requests/bulk", { requests }, "two")).status).toBe(202)
    expect(await stats("two")).toEqual({ counts: { ...none, pending: 1000 }, partial: true })
    const action = await call("GET", "/api/ai/queue?action=stats", undefined, "two")
    expect(action.body.stats).toEqual({ counts: { ...none, pending: 1000 }, partial: true })
  })

  it("sees of the health what anyone sees", async () => {
    for (const key of ["one", "reader"]) {
      expect((await call("GET", "/v1/health", undefined, key)).body).toEqual({ status: "ok" })
    }
    expect((await call("GET", "/v1/health", undefined, "operator")).body).toHaveProperty("backlog")
  })
})

describe("what a key tells of itself", () => {
  it("is its own alone, whatever it may do", async () => {
    const { keyId, organizationId, scopes, maxPriority, ratePerMinute } = tenant
    const self = { keyId, organizationId, scopes, maxPriority, ratePerMinute }
    expect((await call("GET", "/v1/self", undefined, "one")).body).toEqual(self)
    expect((await call("GET", "/v1/self", undefined, "none")).body).toEqual({ ...self, scopes: [] })
    expect((await call("GET", "/v1/self", undefined, "nobody")).status).toBe(401)
  })
})

describe("a key without the scope", () => {
  const id = "req_1m8650amf00005356tsz986"
  it.each([
    ["POST", "/v1/requests", "none"],
    ["POST", "/v1/requests/bulk", "none"],
    ["POST", `/v1/requests/${id}/replay`, "none"],
    ["POST", "/v1/requests/cancel", "none"],
    ["POST", "/v1/requests/replay", "reader"],
    ["POST", "/v1/requests/discard", "reader"],
    ["GET", "/v1/requests", "none"],
    ["GET", `/v1/requests/${id}`, "none"],
    ["GET", "/v1/stats", "none"],
    ["GET", "/v1/stats/history", "none"],
    ["GET", "/v1/stats/history", "one"],
    ["DELETE", `/v1/requests/${id}`, "none"],
    ["POST", "/v1/cleanup", "one"],
    ["POST", "/v1/queue/pause", "one"],
    ["POST", "/v1/queue/resume", "one"],
    ["GET", "/v1/providers", "none"],
    ["GET", "/v1/providers", "one"],
    ["PATCH", "/v1/providers/openai", "one"],
    ["PATCH", "/v1/providers/openai", "reader"],
    ["PATCH", "/v1/organizations/org-1", "one"],
    ["POST", "/v1/providers/openai/pause", "one"],
    ["POST", "/v1/providers/openai/resume", "one"],
    ["POST", "/api/ai/queue", "none"],
    ["GET", "/api/ai/queue?action=stats", "none"],
    ["GET", "/api/ai/queue?action=status", "none"],
    ["GET", "/api/ai/queue?action=cleanup", "one"],
    ["DELETE", "/api/ai/queue", "none"],
  ])("gets 403 from %s %s, before anything else is looked at", async (method, path, key) => {
    const { status, body } = await call(
      method,
      path,
      ["POST", "PATCH"].includes(method) ? "no object" : undefined,
      key,
    )
    expect({ status, code: body.code }).toEqual({ status: 403, code: "forbidden" })
  })
})
