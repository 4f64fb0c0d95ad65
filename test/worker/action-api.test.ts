import { describe, expect, it } from "vitest"
import { createClient, enqueued, finishAll, requestBody } from "./client.ts"

const PATH = "/api/ai/queue"

describe("the original action API", () => {
  it("enqueues", async () => {
    const client = createClient()
    const { status, body } = await client.call("POST", PATH, { body: requestBody() })
    expect({ status, body }).toEqual({
      status: 202,
      body: { success: true, requestId: expect.stringMatching(/^req_/), state: "pending", position: 1 },
    })
    expect((await client.call("GET", `/v1/requests/${body.requestId}`)).body.state).toBe("pending")
  })

  it("answers stats and status", async () => {
    const client = createClient()
    const requestId = await enqueued(client)
    const stats = await client.call("GET", `${PATH}?action=stats`)
    expect(stats).toMatchObject({ status: 200, body: { success: true, stats: { counts: { pending: 1 } } } })
    const { status, body } = await client.call("GET", `${PATH}?action=status&requestId=${requestId}`)
    expect({ status, body }).toEqual({
      status: 200,
      body: { success: true, request: (await client.call("GET", `/v1/requests/${requestId}`)).body },
    })
  })

  it("cleans up", async () => {
    const client = createClient()
    await enqueued(client)
    await finishAll(client.queue, "completed")
    const removed = { completed: 0, failed: 0, cancelled: 0 }
    const kept = await client.call("GET", `${PATH}?action=cleanup`)
    expect(kept).toMatchObject({ status: 200, body: { success: true, removed } })
    const all = await client.call("GET", `${PATH}?action=cleanup&olderThanSeconds=0`)
    expect(all.body).toEqual({ success: true, removed: { ...removed, completed: 1 } })
  })

  it("cancels; completed is 409", async () => {
    const client = createClient()
    const cancelled = await client.call("DELETE", `${PATH}?requestId=${await enqueued(client)}`)
    expect(cancelled).toMatchObject({ status: 200, body: { success: true, state: "cancelled" } })
    const requestId = await enqueued(client)
    await finishAll(client.queue, "completed")
    const { status, body } = await client.call("DELETE", `${PATH}?requestId=${requestId}`)
    expect({ status, body }).toEqual({
      status: 409,
      body: { success: false, error: expect.any(String), code: "conflict" },
    })
  })

  it.each([
    [400, "invalid_request", "GET", ""],
    [400, "invalid_request", "GET", "?action=drain"],
    [400, "invalid_request", "GET", "?action=status"],
    [400, "invalid_request", "GET", "?action=cleanup&olderThanSeconds=-1"],
    [400, "invalid_request", "DELETE", ""],
    [404, "not_found", "GET", "?action=status&requestId=req_1m8650amf00005356tsz986"],
    [404, "not_found", "DELETE", "?requestId=nonsense"],
    [405, "method_not_allowed", "PUT", ""],
  ])("answers %i %s to %s %s, in its own shape", async (status, code, method, query) => {
    const answer = await createClient().call(method, PATH + query)
    expect(answer.headers.get("content-type")).toBe("application/json")
    expect({ status: answer.status, body: answer.body }).toEqual({
      status,
      body: { success: false, error: expect.stringMatching(/\.$/), code },
    })
  })

  it("tells what is wrong with a body in one sentence, and wants a key", async () => {
    const client = createClient()
    const wrong = await client.call("POST", PATH, { body: requestBody({ priority: "urgent" }) })
    expect(wrong).toMatchObject({
      status: 400,
      body: {
        success: false,
        error: expect.stringContaining("/priority must be one of"),
        code: "invalid_request",
      },
    })
    const keyless = await client.call("GET", `${PATH}?action=stats`, { key: null })
    expect(keyless).toMatchObject({ status: 401, body: { success: false, code: "unauthorized" } })
    expect(keyless.headers.get("www-authenticate")).toBe("Bearer")
  })
})
