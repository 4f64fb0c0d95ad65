import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { createApp } from "../../src/http/app.ts"
import { documented } from "../helpers/documented.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { ADMIN_KEY, composeServices } from "./server.ts"

let store: TestStore
let post: (path: string, headers: Record<string, string>, body: string) => Promise<number>
beforeAll(async () => {
  store = await startBestStore()
  const services = composeServices(store, "compatible-order")
  const app = createApp(() => ({ services, problems: [] }))
  post = async (path, headers, body) => {
    const [method, sent] = ["POST", { "x-api-key": ADMIN_KEY, ...headers }]
    const answer = await app.request(path, { method, headers: sent, body })
    return (await documented({ method, path }, answer)).status
  }
})
afterAll(() => store.close())

/** Each a 400 by itself. */
const WRONG = {
  "OpenAI-Organization": "no organization",
  "X-Queue-Priority": "never",
  "X-Queue-Request-Id": "none",
}
const PATHS = [
  ...["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/batches", "/v1/files"],
  ...["/v1/uploads", "/v1/messages/batches"],
]

describe("of several mistakes a compatible route tells", () => {
  it.each(PATHS)("%s the kind of the body first: 415", async (path) => {
    expect(await post(path, { ...WRONG, "content-type": "text/plain" }, "{}")).toBe(415)
  })

  it.each(PATHS)("%s its length next: 413", async (path) => {
    const type = path === "/v1/files" ? "multipart/form-data; boundary=b" : "application/json"
    const headers = { ...WRONG, "content-type": type, "content-length": "1000000000" }
    expect(await post(path, headers, "{}")).toBe(413)
  })

  it.each(PATHS)("%s then its headers: 400", async (path) => {
    const type = path === "/v1/files" ? "multipart/form-data; boundary=b" : "application/json"
    expect(await post(path, { ...WRONG, "content-type": type }, "{}")).toBe(400)
  })
})
