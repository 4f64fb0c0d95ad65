import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import type { Principal } from "../../src/auth/principal.ts"
import { SCOPES } from "../../src/core/contracts/access.ts"
import type { Services } from "../../src/http/context.ts"
import { createTestQueue, settlement, type TestQueue } from "../helpers/queue.ts"
import { startTestStore, type TestStore } from "../helpers/store.ts"
import { type Call, composeServices, createCall, requestBody, withPrincipals } from "./server.ts"

const tenant: Principal = {
  ...{ keyId: "k1", organizationId: "org-1", scopes: ["enqueue", "read", "cancel"] },
  ...{ maxPriority: null, ratePerMinute: null },
}
const principals: Record<string, Principal> = {
  tenant,
  operator: { ...tenant, keyId: "k0", organizationId: "*", scopes: SCOPES },
  canceller: { ...tenant, keyId: "k2", scopes: ["cancel"] },
  writer: { ...tenant, keyId: "k3", scopes: ["enqueue"] },
}

let store: TestStore
let queue: TestQueue
let call: Call
const told: string[] = []
beforeAll(async () => {
  store = await startTestStore("embedded")
  const services = composeServices(store, "sweeps")
  const lanes: Services["lanes"] = {
    wake: async () => void told.push("wake"),
    wakeChores: async () => void told.push("chores"),
    abort: async (owner, requestId) => void told.push(`abort ${owner} ${requestId}`),
    watch: async () => undefined,
  }
  call = createCall(withPrincipals({ ...services, lanes }, principals))
})
afterAll(() => store.close())
beforeEach(async () => {
  await store.flush()
  queue = createTestQueue(store, { name: "sweeps" })
  told.length = 0
})

const cancel = (body: unknown, key = "operator") => call("POST", "/v1/requests/cancel", body, key)
const replay = (body: unknown, key = "operator") => call("POST", "/v1/requests/replay", body, key)
const discard = (body: unknown, key = "operator") => call("POST", "/v1/requests/discard", body, key)

async function enqueue(changes: Record<string, unknown> = {}): Promise<string> {
  return (await call("POST", "/v1/requests", requestBody(changes), "operator")).body.requestId
}

/** A request that has failed with `timeout`. */
async function deadLetter(changes: Record<string, unknown> = {}): Promise<string> {
  const requestId = await enqueue({ priority: "critical", ...changes })
  await queue.settle([settlement(await queue.takeOne(), "failed", { code: "timeout" })])
  return requestId
}

const stateOf = async (requestId: string) => (await queue.status(requestId, null))?.state ?? null

describe("what is asked of many requests", () => {
  it.each([
    [cancel, {}, "/filter", /^is empty, which means all requests: name some, or set all to true$/],
    [cancel, { filter: {} }, "/filter", /is empty/],
    [replay, { filter: {}, dryRun: false }, "/filter", /is empty/],
    [cancel, { state: "pending" }, "/state", /use filter\.state$/],
    [cancel, { filter: { status: "pending" } }, "/filter/status", /is not known here$/],
    [cancel, { filter: { organisation_id: "o" } }, "/filter/organisation_id", /use organizationId$/],
    [cancel, { filter: { state: "pending" }, dry_run: true }, "/dry_run", /use dryRun$/],
    [
      cancel,
      { filter: { state: "failed" } },
      "/filter/state",
      /scheduled, pending, processing .*discard these/,
    ],
    [cancel, { filter: { state: "completed" } }, "/filter/state", /what has ended stays as it is$/],
    [
      cancel,
      { filter: { state: "pending", errorCode: "timeout" } },
      "/filter/errorCode",
      /replay or discard/,
    ],
    [
      cancel,
      { filter: { provider: "openai" } },
      "/filter/state",
      /or organizationId is required .*set all to true/,
    ],
    [replay, { filter: { state: "pending" } }, "/filter/state", /must be "failed", or left out, to replay/],
    [discard, { filter: { state: "pending" } }, "/filter/state", /cancel these instead$/],
    [discard, { filter: { state: "completed" } }, "/filter/state", /to discard requests$/],
    [replay, { filter: { errorCode: "nope" } }, "/filter/errorCode", /^must be one of/],
    [
      replay,
      { filter: { createdAfter: 5, createdBefore: 5 } },
      "/filter/createdBefore",
      /later than createdAfter$/,
    ],
    [replay, { filter: "state=failed" }, "/filter", /^must be an object$/],
    [replay, { filter: { state: "failed" }, limit: 201 }, "/limit", /from 1 to 200$/],
    [replay, { filter: { state: "failed" }, cursor: "x" }, "/cursor", /nextCursor of an earlier page$/],
    [
      replay,
      { filter: { state: "failed" }, cursor: null },
      "/cursor",
      /the first has none, and null ends them$/,
    ],
  ])("is refused where it makes no sense (%#)", async (post, body, path, message) => {
    const requestId = await enqueue()
    const failed = await deadLetter()
    const answer = await post(body)
    expect(answer.status).toBe(400)
    expect(answer.body.errors).toEqual([{ path, message: expect.stringMatching(message) }])
    expect([await stateOf(requestId), await stateOf(failed)]).toEqual(["pending", "failed"])
  })

  it("may be counted without naming any, and done to all when that is said", async () => {
    const requestId = await enqueue()
    const dry = await cancel({ dryRun: true })
    expect(dry).toMatchObject({ status: 200, body: { matched: 1, done: 0, nextCursor: null } })
    expect(await stateOf(requestId)).toBe("pending")
    expect(await cancel({ all: true })).toMatchObject({ status: 200, body: { matched: 1, done: 1 } })
    expect(await stateOf(requestId)).toBe("cancelled")
  })

  it("needs the scope of the single operation", async () => {
    const filter = { organizationId: "org-1" }
    const statuses = async (key: string) => [
      (await cancel({ filter }, key)).status,
      (await replay({ filter }, key)).status,
      (await discard({ filter }, key)).status,
    ]
    expect(await statuses("canceller")).toEqual([200, 403, 200])
    expect(await statuses("writer")).toEqual([403, 200, 403])
    expect((await call("GET", "/v1/requests/cancel", undefined, "operator")).status).toBe(405)
  })

  it("with a tenant's key is done to its own requests alone", async () => {
    const own = await enqueue()
    const other = await enqueue({ organizationId: "org-2" })
    const foreign = await cancel({ filter: { organizationId: "org-2" } }, "tenant")
    expect(foreign.status).toBe(403)
    // A tenant has named its organization by its key.
    const answer = await cancel({ filter: { provider: "openai" } }, "tenant")
    expect(answer.body).toMatchObject({ matched: 1, done: 1, examined: 1 })
    expect((await cancel({ all: true }, "tenant")).body).toMatchObject({ matched: 0, examined: 0 })
    expect([await stateOf(own), await stateOf(other)]).toEqual(["cancelled", "pending"])
  })
})

describe("what it comes to", () => {
  it("is told page by page, and the lanes are told once", async () => {
    const ids = [await deadLetter(), await deadLetter(), await deadLetter()]
    told.length = 0
    const filter = { state: "failed", errorCode: "timeout" }
    const first = await replay({ filter, limit: 2 })
    expect(first.body).toEqual({
      ...{ matched: 2, done: 2, skipped: 0, examined: 2, nextCursor: expect.any(String) },
      groups: [{ provider: "openai", errorCode: "timeout", count: 2 }],
    })
    expect(told).toEqual(["wake"])
    const second = await replay({ filter, limit: 2, cursor: first.body.nextCursor })
    expect(second.body).toMatchObject({ matched: 1, done: 1, nextCursor: null })
    for (const id of ids) expect(await stateOf(id)).toBe("pending")
    const again = await replay({ filter, limit: 2, cursor: first.body.nextCursor })
    expect(again.body).toMatchObject({ matched: 0, done: 0 })
  })

  it("ends calls that are under way", async () => {
    const requestId = await enqueue()
    await queue.takeOne({ owner: "lane-2:x" })
    await cancel({ filter: { state: "processing" } })
    expect(told).toContain(`abort lane-2:x ${requestId}`)
  })

  it("stands in the audit, a call an entry, with the filter and how many it was done to", async () => {
    for (let i = 0; i < 3; i++) await deadLetter({ organizationId: `org-${i}` })
    await replay({ filter: { errorCode: "timeout", provider: "openai" } })
    await discard({ filter: { errorCode: "timeout" } })
    await cancel({ filter: { state: "pending" }, dryRun: true })
    await cancel({ filter: { state: "pending" } })
    const { body } = await call("GET", "/v1/audit", undefined, "operator")
    expect(
      body.data.map(({ action, target, keyId }: Record<string, string>) => [action, target, keyId]),
    ).toEqual([
      ["requests.cancelled", "3 of state=pending", "k0"],
      ["requests.replayed", "3 of provider=openai errorCode=timeout", "k0"],
    ])
  })
})

describe("a list", () => {
  it("takes the same filters", async () => {
    const plain = await enqueue()
    const failed = await deadLetter()
    const large = await enqueue({ model: "large", priority: "low" })
    const idsOf = async (query: string) =>
      (await call("GET", `/v1/requests?${query}`, undefined, "tenant")).body.data.map(
        ({ requestId }: { requestId: string }) => requestId,
      )
    expect(await idsOf("errorCode=timeout")).toEqual([failed])
    expect(await idsOf("model=large")).toEqual([large])
    expect(await idsOf("priority=low&provider=openai")).toEqual([large])
    expect(await idsOf("model=gpt-5&state=pending")).toEqual([plain])
    expect(await idsOf("provider=deepseek")).toEqual([])
    const { status, body } = await call("GET", "/v1/requests?errorCode=nope", undefined, "tenant")
    expect([status, body.errors[0].path]).toEqual([400, "/errorCode"])
  })
})
