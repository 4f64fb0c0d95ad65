import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { createApp } from "../../src/http/app.ts"
import { eventually } from "../helpers/eventually.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { ADMIN_KEY, type Call, composeServices, createCall } from "./server.ts"

let store: TestStore
let call: Call
/** A caller that leaves as soon as its body is sent. */
let sendAndLeave: (path: string, body: string, headers?: Record<string, string>) => Promise<void>
beforeAll(async () => {
  store = await startBestStore()
  const services = composeServices(store, "unheard")
  call = createCall(services)
  const app = createApp(() => ({ services, problems: [] }))
  sendAndLeave = async (path, body, headers = { "content-type": "application/json" }) => {
    const leaving = new AbortController()
    const asked = new Request(`http://localhost${path}`, {
      ...{ method: "POST", body, signal: leaving.signal },
      headers: { authorization: `Bearer ${ADMIN_KEY}`, ...headers },
    })
    const answering = app.request(asked)
    leaving.abort()
    await answering
  }
})
afterAll(() => store.close())

const MESSAGES = [{ role: "user", content: "Hello." }]

/** All that is there has been cancelled, and it is `count`. */
async function allCancelled(
  path: string,
  stateOf: (entry: Record<string, string>) => unknown,
  count: number,
) {
  const { data } = await eventually(async () => {
    const { body } = await call("GET", path)
    return body.data.every((entry: Record<string, string>) => stateOf(entry)) && body
  })
  expect(data).toHaveLength(count)
}

describe("what nobody has heard of is cancelled, for its caller asks anew", () => {
  it("a batch", async () => {
    const line = { custom_id: "1", method: "POST", url: "/v1/chat/completions" }
    const form = new FormData()
    form.append("purpose", "batch")
    form.append("file", new Blob([JSON.stringify({ ...line, body: { model: "gpt-5", messages: MESSAGES } })]))
    const encoded = new Response(form)
    await sendAndLeave("/v1/files", await encoded.text(), {
      "content-type": encoded.headers.get("content-type") ?? "",
    })
    const { body: files } = await call("GET", "/v1/files")
    const asked = { endpoint: "/v1/chat/completions", completion_window: "24h" }
    await sendAndLeave("/v1/batches", JSON.stringify({ ...asked, input_file_id: files.data[0].id }))
    await allCancelled("/v1/batches", ({ status }) => status === "cancelling", 1)
  })

  it("a message batch", async () => {
    const params = { model: "openai/gpt-5", max_tokens: 9, messages: MESSAGES }
    await sendAndLeave("/v1/messages/batches", JSON.stringify({ requests: [{ custom_id: "1", params }] }))
    await allCancelled("/v1/messages/batches", (batch) => batch.processing_status === "canceling", 1)
  })

  it("a response in the background, and a request that is answered with its id", async () => {
    await sendAndLeave("/v1/responses", JSON.stringify({ model: "gpt-5", input: "Hello.", background: true }))
    const body = JSON.stringify({ model: "gpt-5", messages: MESSAGES })
    const headers = { "content-type": "application/json", prefer: "respond-async" }
    await sendAndLeave("/v1/chat/completions", body, headers)
    await allCancelled("/v1/requests?organizationId=default", ({ state }) => state === "cancelled", 2)
  })

  it("but not what its caller comes back for, with an Idempotency-Key", async () => {
    const body = JSON.stringify({ model: "gpt-5", input: "Hello.", background: true })
    const headers = { "content-type": "application/json", "idempotency-key": "k" }
    await sendAndLeave("/v1/responses", body, headers)
    const { body: again } = await call("POST", "/v1/responses", JSON.parse(body), undefined, "k")
    expect((await call("GET", `/v1/responses/${again.id}`)).body.status).toBe("queued")
  })
})
