import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { scriptSha } from "../../dev/script-sha.ts"
import { eventually } from "../helpers/eventually.ts"
import { bestStoreUnderTest, type TestStore } from "../helpers/store.ts"
import { type Call, composeServices, createCall, requestBody } from "./server.ts"

/** As often as a command is tried. */
const TRIES = 4
const BODY = {
  ...{ model: "openai/gpt-5", max_tokens: 10 },
  messages: [{ role: "user", content: "Say hello." }],
}

describe.each(bestStoreUnderTest())("a compatible route on $name", ({ start }) => {
  let store: TestStore
  let call: Call
  beforeAll(async () => {
    store = await start()
    call = createCall(composeServices(store, "in-turn"))
    // The first calls teach the store its scripts.
    const { body } = await call("POST", "/v1/requests", requestBody())
    await call("GET", `/v1/requests/${body.requestId}`)
    await call("DELETE", `/v1/requests/${body.requestId}`)
  })
  afterAll(() => store.close())
  beforeEach(() => {
    vi.spyOn(console, "error").mockImplementation(() => undefined)
  })
  afterEach(() => {
    store.bridge.faults.clear()
    vi.restoreAllMocks()
  })

  it.each([false, true])(
    "whose store goes away while it waits cancels what it stored, and tells the SDK not to try again (stream: %s)",
    async (stream) => {
      store.bridge.faults.inject({ fault: "drop", contains: scriptSha("status"), times: TRIES })
      const { status, headers, body } = await call("POST", "/v1/messages", { ...BODY, stream })
      expect(status).toBe(503)
      expect(headers.get("x-should-retry")).toBe("false")
      expect(body).toMatchObject({ type: "error", error: { type: "overloaded_error" } })
      const requestId = headers.get("request-id")
      await eventually(async () => {
        const { body: request } = await call("GET", `/v1/requests/${requestId}`)
        return request.state === "cancelled"
      })
    },
  )

  it.each([
    [undefined, "false"],
    ["try-again", null],
  ])(
    "that may have stored what it was sent forbids to send it again, unless under a key (%s)",
    async (key, told) => {
      store.bridge.faults.inject({ fault: "drop", contains: scriptSha("enqueue"), times: TRIES })
      const { status, headers } = await call("POST", "/v1/chat/completions", BODY, undefined, key)
      expect(status).toBe(503)
      expect(headers.get("x-should-retry")).toBe(told)
    },
  )

  it("lets who gave an Idempotency-Key come back for it", async () => {
    store.bridge.faults.inject({ fault: "drop", contains: scriptSha("status"), times: TRIES })
    const { status, headers } = await call("POST", "/v1/messages", BODY, undefined, "come-back")
    expect(status).toBe(503)
    expect(headers.has("x-should-retry")).toBe(false)
    const requestId = headers.get("request-id")
    const { body } = await call("GET", `/v1/requests/${requestId}`)
    expect(body.state).toBe("pending")
    await call("DELETE", `/v1/requests/${requestId}`)
    const again = await call("POST", "/v1/messages", BODY, undefined, "come-back")
    expect(again).toMatchObject({ status: 409, body: { request_id: requestId } })
    expect(again.headers.get("x-should-retry")).toBe("false")
  })
})
