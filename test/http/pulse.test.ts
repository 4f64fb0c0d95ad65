import { afterAll, beforeAll, expect, it } from "vitest"
import { startTestStore, type TestStore } from "../helpers/store.ts"
import { callAsReaders } from "./readers.ts"
import { type Call, requestBody } from "./server.ts"

let store: TestStore
let call: Call
beforeAll(async () => {
  store = await startTestStore("embedded")
  call = callAsReaders(store, "pulse")
})
afterAll(() => store.close())

it("GET /v1/pulse tells of the whole queue, and so nothing to a tenant", async () => {
  await call("POST", "/v1/requests", requestBody(), "reader")
  const { status, body } = await call("GET", "/v1/pulse", undefined, "reader")
  expect(status).toBe(200)
  expect(body).toMatchObject({
    troubles: [],
    counts: { pending: 1 },
    pendingByLine: { openai: { normal: 1 } },
  })
  expect((await call("GET", "/v1/pulse", undefined, "tenant")).status).toBe(403)
  expect((await call("GET", "/v1/pulse", undefined, "writer")).status).toBe(403)
})
