import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { storesUnderTest, type TestStore } from "../helpers/store.ts"
import { type Call, composeServices, createCall, requestBody } from "./server.ts"

describe.each(storesUnderTest())("the API on $name", ({ start }) => {
  let store: TestStore
  let call: Call
  beforeAll(async () => {
    store = await start()
    call = createCall(composeServices(store, "faults"))
    // The first calls teach the store its scripts.
    const { body } = await call("POST", "/v1/requests", requestBody())
    await call("GET", `/v1/requests/${body.requestId}`)
    await call("DELETE", `/v1/requests/${body.requestId}`)
    await call("GET", "/v1/stats")
  })
  afterAll(() => store.close())
  beforeEach(() => {
    store.bridge.counters.reset()
    vi.spyOn(console, "error").mockImplementation(() => undefined)
  })
  afterEach(() => {
    store.bridge.faults.clear()
    vi.restoreAllMocks()
  })

  it("makes one round trip for an enqueue, a bulk, a status, a cancel and an action", async () => {
    const trips = async (run: () => Promise<{ status: number }>) => {
      store.bridge.counters.reset()
      const { status } = await run()
      return { status, requests: store.bridge.counters.requests }
    }
    const { body } = await call("POST", "/v1/requests", requestBody())
    const requests = Array.from({ length: 20 }, () => requestBody())
    expect(await trips(() => call("POST", "/v1/requests", requestBody()))).toEqual({
      status: 202,
      requests: 1,
    })
    expect(await trips(() => call("POST", "/v1/requests/bulk", { requests }))).toEqual({
      status: 202,
      requests: 1,
    })
    expect(await trips(() => call("GET", `/v1/requests/${body.requestId}`))).toEqual({
      status: 200,
      requests: 1,
    })
    expect(await trips(() => call("DELETE", `/v1/requests/${body.requestId}`))).toEqual({
      status: 200,
      requests: 1,
    })
    expect(await trips(() => call("POST", "/api/ai/queue", requestBody()))).toEqual({
      status: 202,
      requests: 1,
    })
    expect(await trips(() => call("GET", "/v1/stats"))).toEqual({ status: 200, requests: 1 })
  })

  it("makes none for what is refused, nor for what cannot be an id", async () => {
    await call("POST", "/v1/requests", requestBody({ model: "" }))
    await call("GET", "/v1/requests/nonsense")
    await call("GET", "/v1/nothing")
    expect(store.bridge.counters.requests).toBe(0)
  })

  it("asks the store for its health once in five seconds, whoever asks", async () => {
    const fresh = createCall(composeServices(store, "health"))
    for (let i = 0; i < 10; i++) expect((await fresh("GET", "/v1/health")).status).toBe(200)
    expect(store.bridge.counters.requests).toBe(1)
  })

  it("answers 503 with the ids when the store went silent: the request may have been stored", async () => {
    store.bridge.faults.inject({ fault: "drop", when: "after" })
    const { status, headers, body } = await call("POST", "/v1/requests", requestBody())
    expect(status).toBe(503)
    expect(body).toMatchObject({
      code: "store_unavailable",
      maybeStored: true,
      requestId: expect.any(String),
    })
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0)
    const bulk = await call("POST", "/v1/requests/bulk", { requests: [requestBody(), requestBody()] })
    expect(bulk).toMatchObject({
      status: 503,
      body: { maybeStored: true, requestIds: [expect.any(String), expect.any(String)] },
    })
    const action = await call("POST", "/api/ai/queue", requestBody())
    expect(action.body).toMatchObject({ success: false, code: "store_unavailable", maybeStored: true })
    store.bridge.faults.clear()
    // And so it was.
    expect((await call("GET", `/v1/requests/${body.requestId}`)).body.state).toBe("pending")
  })

  it("does not say so of other calls, and never shows what the store said", async () => {
    store.bridge.faults.inject({ fault: "status", status: 500, body: "secret internals" })
    const { status, body } = await call("GET", "/v1/stats")
    expect({ status, code: body.code }).toEqual({ status: 503, code: "store_unavailable" })
    expect(body).not.toHaveProperty("maybeStored")
    expect(JSON.stringify(body)).not.toContain("secret")
    const logged = vi.mocked(console.error).mock.calls.flat().join("\n")
    expect(logged).toContain("store_unavailable")
    expect(logged).not.toContain("secret")
  })

  it("survives a lost answer within one call", async () => {
    store.bridge.faults.inject({ fault: "drop", when: "after", times: 1 })
    const { status, body } = await call("POST", "/v1/requests", requestBody({ organizationId: "lost" }))
    expect(status).toBe(202)
    const { body: page } = await call("GET", "/v1/requests?organizationId=lost")
    expect(page.data.map(({ requestId }: { requestId: string }) => requestId)).toEqual([body.requestId])
  })

  it("answers 500 without a detail when there is a defect, and logs its name alone", async () => {
    const services = composeServices(store, "faults")
    const stats = () => Promise.reject(new TypeError("the secret cause"))
    const broken = createCall({ ...services, queue: { ...services.queue, stats } })
    const { status, body } = await broken("GET", "/v1/stats")
    expect({ status, body }).toEqual({
      status: 500,
      body: {
        ...{ type: "about:blank", title: "Internal Server Error", status: 500, code: "internal" },
        detail: "Something went wrong here.",
      },
    })
    const logged = vi.mocked(console.error).mock.calls.flat().join("\n")
    expect(logged).toContain("TypeError")
    expect(logged).not.toContain("secret")
  })

  it("answers 503 store_full when the store takes no more", async () => {
    const full = JSON.stringify({ error: "OOM command not allowed when used memory > 'maxmemory'." })
    store.bridge.faults.inject({ fault: "status", status: 400, body: full })
    const { status, headers, body } = await call("POST", "/v1/requests", requestBody())
    expect({ status, code: body.code }).toEqual({ status: 503, code: "store_full" })
    expect(body).not.toHaveProperty("maybeStored")
    expect(headers.get("retry-after")).not.toBeNull()
  })
})
