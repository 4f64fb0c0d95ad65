import { afterAll, beforeAll, expect, it } from "vitest"
import { startTestStore, type TestStore } from "../helpers/store.ts"
import { callAsReaders } from "./readers.ts"
import { type Call, requestBody } from "./server.ts"

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
let store: TestStore
let call: Call
beforeAll(async () => {
  store = await startTestStore("embedded")
  call = callAsReaders(store, "history")
})
afterAll(() => store.close())

const ask = (query: string, key = "reader") => call("GET", `/v1/stats/history${query}`, undefined, key)
const floor = (at: number, stepMs: number) => Math.floor(at / stepMs) * stepMs

it("GET /v1/stats/history tells the last hour by minutes, unless asked otherwise", async () => {
  const before = Date.now()
  await call("POST", "/v1/requests", requestBody(), "reader")
  const { status, body } = await ask("")
  expect({ status, stepMs: body.stepMs }).toEqual({ status: 200, stepMs: MINUTE_MS })
  expect(body.from).toBeGreaterThanOrEqual(floor(before - HOUR_MS, MINUTE_MS))
  expect(body.from).toBeLessThanOrEqual(floor(Date.now() - HOUR_MS, MINUTE_MS))
  expect(body.to - body.from).toBeGreaterThanOrEqual(HOUR_MS)
  expect(body.points).toMatchObject([{ enqueued: 1, pending: { openai: { normal: 1 } } }])

  const month = await ask(`?from=${before - 30 * 24 * HOUR_MS}&step=86400`)
  expect(month.body).toMatchObject({ stepMs: 24 * HOUR_MS, points: [{ enqueued: 1 }] })
  expect((await ask(`?from=${before - 2 * HOUR_MS}&to=${before - HOUR_MS}&step=120`)).body.points).toEqual([])
})

it("tells of the whole queue, and so nothing to a tenant", async () => {
  expect((await ask("", "tenant")).status).toBe(403)
  expect((await ask("", "writer")).status).toBe(403)
})

const DAY_OLD = Date.now() - 26 * HOUR_MS
it.each([
  ["?step=0", "/step"],
  ["?step=30", "/step"],
  ["?step=90", "/step"],
  ["?step=86460", "/step"],
  ["?step=60.5", "/step"],
  ["?from=yesterday", "/from"],
  ["?from=-1", "/from"],
  [`?from=${Date.now() + HOUR_MS}`, "/from"],
  ["?from=5&to=5", "/from"],
  // More than 1,500 points.
  [`?from=${Date.now() - 25 * HOUR_MS - 30 * MINUTE_MS + 60_000}&step=60`, "/step"],
  // Minutes that are not kept.
  [`?from=${DAY_OLD}&step=120`, "/step"],
  ["?limit=5", "/limit"],
])("%s is refused", async (query, path) => {
  const { status, body } = await ask(query)
  expect({ status, code: body.code }).toEqual({ status: 400, code: "invalid_request" })
  expect(body.errors.map((error: { path: string }) => error.path)).toContain(path)
})

it("a refusal names the way out", async () => {
  const { body } = await ask(`?from=${DAY_OLD - 1000 * HOUR_MS}&step=120`)
  expect(body.errors.map((error: { message: string }) => error.message)).toEqual([
    expect.stringMatching(/longer one, or a shorter span/),
    expect.stringMatching(/whole hours \(3600/),
  ])
  expect((await ask(`?from=${DAY_OLD}&step=3600`)).status).toBe(200)
})
