import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Principal } from "../../src/auth/principal.ts"
import { compose } from "../../src/compose.ts"
import { SCOPES } from "../../src/core/contracts/access.ts"
import { startTestStore, type TestStore } from "../helpers/store.ts"
import { ADMIN_KEY, type Call, createCall, withPrincipals } from "./server.ts"

const operator: Principal = {
  ...{ keyId: "k0", organizationId: "*", scopes: SCOPES, maxPriority: null, ratePerMinute: null },
}
const principals: Record<string, Principal> = {
  operator,
  reader: { ...operator, scopes: ["read"] },
  tenant: { ...operator, organizationId: "org-1", scopes: ["read", "enqueue", "cancel"] },
}

let store: TestStore
beforeAll(async () => {
  store = await startTestStore("embedded")
})
afterAll(() => store.close())

function open(queueName: string, alerts: string | undefined): Call {
  const { services, problems } = compose({
    ...{ ADMIN_API_KEY: ADMIN_KEY, QUEUE_NAME: queueName, ALERTS: alerts },
    ...{ UPSTASH_REDIS_REST_URL: store.url, UPSTASH_REDIS_REST_TOKEN: store.token },
    OPENAI_BASE_URL: "http://127.0.0.1:1/v1",
  })
  if (services === null) throw new Error(JSON.stringify(problems))
  return createCall(withPrincipals(services, principals))
}

const SETTING = '{"url": "https://example.com/alerts?token=s3cret", "rules": {"no_drain": {}}}'

describe("/v1/alerts", () => {
  it("tells the rules in force, and the URL without its token", async () => {
    const call = open("told", SETTING)
    expect((await call("GET", "/v1/alerts", undefined, "reader")).body).toEqual({
      ...{ url: "https://example.com/alerts", rules: { no_drain: { seconds: 180 } }, remindHours: 4 },
      ...{ changed: [], firing: [], recovered: [], notices: [] },
    })
  })

  it("is the operators' alone, and changed by those with admin", async () => {
    const call = open("scopes", SETTING)
    const change = { remindHours: 1 }
    expect((await call("GET", "/v1/alerts", undefined, "tenant")).status).toBe(403)
    for (const key of ["tenant", "reader"]) {
      expect((await call("PATCH", "/v1/alerts", change, key)).status).toBe(403)
      expect((await call("POST", "/v1/alerts/test", undefined, key)).status).toBe(403)
    }
    expect((await call("PATCH", "/v1/alerts", change, "operator")).body).toMatchObject({
      ...{ remindHours: 1, changed: ["remindHours"] },
    })
    const { data } = (await call("GET", "/v1/audit", undefined, "operator")).body
    expect(data).toMatchObject([{ action: "alerts.changed", keyId: "k0" }])
    expect((await call("PATCH", "/v1/alerts", { remindHours: null }, "operator")).body).toMatchObject({
      ...{ remindHours: 4, changed: [] },
    })
  })

  it.each([
    [{}, "", /changes nothing/],
    [{ rules: { no_drain: { seconds: 5 } } }, "/rules/no_drain/seconds", /whole number from 120/],
    [{ rules: { flood: {} } }, "/rules/flood", /not known here/],
    [{ url: "http://example.com" }, "/url", /https/],
    [{ url: "https://10.0.0.1/" }, "/url", /public host/],
    [{ remindHours: 1.5 }, "/remindHours", /whole number/],
  ])("refuses %j", async (body, path, message) => {
    const { status, body: answer } = await open("refused", SETTING)("PATCH", "/v1/alerts", body, "operator")
    expect(status).toBe(400)
    expect(answer.errors).toMatchObject([{ path, message: expect.stringMatching(message) }])
  })

  it("takes no rules where nobody would look, and no test where nobody is told", async () => {
    const off = open("off", undefined)
    const refused = await off("PATCH", "/v1/alerts", { rules: {} }, "operator")
    expect([refused.status, refused.body.code]).toEqual([409, "conflict"])
    expect(refused.body.detail).toContain("ALERTS")
    expect((await off("POST", "/v1/alerts/test", undefined, "operator")).status).toBe(409)
    const mute = open("mute", "{}")
    expect((await mute("POST", "/v1/alerts/test", undefined, "operator")).status).toBe(409)
    const url = "https://example.com/alerts"
    expect((await mute("PATCH", "/v1/alerts", { url }, "operator")).body.url).toBe(url)
    const { status, body } = await mute("POST", "/v1/alerts/test", undefined, "operator")
    expect(status).toBe(202)
    expect((await mute("GET", "/v1/alerts", undefined, "operator")).body.notices).toMatchObject([
      { noticeId: body.noticeId, type: "alert.test", state: "pending" },
    ])
  })

  it("is signed with secrets that operators alone see to", async () => {
    const call = open("secrets", SETTING)
    const body = { organizationId: "*" }
    expect((await call("POST", "/v1/webhook-secrets", body, "tenant")).status).toBe(403)
    const issued = await call("POST", "/v1/webhook-secrets", body, "operator")
    expect(issued.body).toMatchObject({ organizationId: "*", secret: expect.stringMatching(/^whsec_/) })
    const path = "/v1/webhook-secrets?organizationId=*"
    expect((await call("GET", path, undefined, "tenant")).status).toBe(403)
    expect((await call("GET", path, undefined, "operator")).body.data).toMatchObject([
      { secretId: issued.body.secretId, organizationId: "*" },
    ])
  })
})
