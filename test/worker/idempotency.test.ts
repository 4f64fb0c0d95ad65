import { beforeEach, expect, it } from "vitest"
import { type Client, createClient, finishAll, requestBody } from "./client.ts"

let client: Client
beforeEach(() => {
  client = createClient()
})

const post = (body: unknown, idempotencyKey: string, path = "/v1/requests") =>
  client.call("POST", path, { body, headers: { "idempotency-key": idempotencyKey } })

const stored = async () => (await client.call("GET", "/v1/requests?organizationId=org-1&limit=100")).body.data

it("answers the same call the same way, and stores it once", async () => {
  const first = await post(requestBody({ priority: "high" }), "a")
  const again = await post(requestBody({ priority: "high" }), "a")
  expect([first.status, again.status]).toEqual([202, 202])
  expect(again.body).toEqual(first.body)
  expect(first.headers.get("idempotency-replayed")).toBeNull()
  expect(again.headers.get("idempotency-replayed")).toBe("true")
  expect(again.headers.get("location")).toBe(first.headers.get("location"))
  expect(await stored()).toHaveLength(1)
})

it("still gives the first answer when the request has long finished", async () => {
  const first = await post(requestBody(), "a")
  await finishAll(client.queue, "completed")
  expect((await post(requestBody(), "a")).body).toEqual(first.body)
  expect(await stored()).toHaveLength(1)
})

it("compares after parsing and defaults, whatever the order of members", async () => {
  const body = requestBody({ options: { temperature: 0.5, stop: ["a"] } })
  const first = await post(body, "a")
  const reordered = Object.fromEntries(Object.entries(body).reverse())
  const other = {
    ...reordered,
    priority: "normal",
    delayMs: 0,
    metadata: {},
    fallbacks: [],
    options: { stop: ["a"], temperature: 0.5 },
  }
  expect((await post(other, "a")).body).toEqual(first.body)
})

it.each([
  ["another text", { messages: [{ role: "user", content: "Say goodbye." }] }],
  ["another priority", { priority: "high" }],
  ["another option", { options: { temperature: 1 } }],
  ["another delay", { delayMs: 1000 }],
  ["other metadata", { metadata: { a: "b" } }],
  ["other fallbacks", { fallbacks: [{ provider: "deepseek", model: "deepseek-flash" }] }],
])("refuses %s under the same key", async (_, changes) => {
  await post(requestBody(), "a")
  const { status, body } = await post(requestBody(changes), "a")
  expect({ status, code: body.code }).toEqual({ status: 422, code: "idempotency_mismatch" })
  expect(await stored()).toHaveLength(1)
})

it("keeps keys apart by organization and by route", async () => {
  const one = await post(requestBody(), "a")
  const two = await post(requestBody({ organizationId: "org-2" }), "a")
  const three = await post(requestBody(), "a", "/api/ai/queue")
  expect([one.status, two.status, three.status]).toEqual([202, 202, 202])
  expect(new Set([one.body.requestId, two.body.requestId, three.body.requestId]).size).toBe(3)
})

it("holds for bulk and for the action API too", async () => {
  const bulk = {
    requests: [requestBody(), requestBody({ priority: "low" }), requestBody({ delayMs: 60_000 })],
  }
  const first = await post(bulk, "a", "/v1/requests/bulk")
  const again = await post(bulk, "a", "/v1/requests/bulk")
  expect(again.body).toEqual(first.body)
  expect(again.headers.get("idempotency-replayed")).toBe("true")
  const action = await post(requestBody(), "b", "/api/ai/queue")
  expect((await post(requestBody(), "b", "/api/ai/queue")).body).toEqual(action.body)
  expect(await stored()).toHaveLength(4)
})

it("executes one of concurrent twins, and gives the others its answer", async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(requestBody(), "twins")))
  expect(new Set(answers.map(({ body }) => body.requestId)).size).toBe(1)
  expect(answers.filter(({ headers }) => headers.get("idempotency-replayed") === null)).toHaveLength(1)
  expect(await stored()).toHaveLength(1)
})

it("remembers 202 only", async () => {
  expect((await post(requestBody({ model: "" }), "a")).status).toBe(400)
  expect((await post(requestBody(), "a")).status).toBe(202)
})

it.each(["", "x".repeat(256)])("refuses a key of a wrong length", async (key) => {
  expect((await post(requestBody(), key)).status).toBe(400)
})
