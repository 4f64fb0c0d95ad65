import { readdirSync, readFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { join } from "node:path"
import { Miniflare } from "miniflare"
import { afterAll, beforeAll, expect, it } from "vitest"
import { ADMIN_KEY, type ServedQueue, serveQueue } from "./served-queue.ts"

const CLIENT = join(import.meta.dirname, "../../src/client")

const WORKER = `
import { AIRequestQueueClient } from "./client/client.ts"
export default {
  async fetch(request) {
    const queue = new AIRequestQueueClient(await request.json())
    const messages = [{ role: "user", content: "From a Worker" }]
    const asked = { provider: "openai", model: "a-model", organizationId: "worker", messages, delayMs: 60_000 }
    const { requestId } = await queue.enqueue(asked)
    await queue.cancel(requestId)
    const { state } = await queue.waitFor(requestId, { timeoutMs: 5_000 })
    const refused = await queue.enqueue({ ...asked, model: "" }).catch(({ code, errors }) => ({ code, errors }))
    return Response.json({ state, refused })
  },
}`

let queue: ServedQueue
let miniflare: Miniflare
beforeAll(async () => {
  queue = await serveQueue()
  const modules = readdirSync(CLIENT).map((file) => {
    const contents = stripTypeScriptTypes(readFileSync(join(CLIENT, file), "utf8"))
    return [`client/${file}`, { type: "esm" as const, contents }]
  })
  const manifest = {
    mainModule: "main.js",
    modules: { "main.js": { type: "esm" as const, contents: WORKER }, ...Object.fromEntries(modules) },
  }
  miniflare = new Miniflare({
    cf: false,
    workers: [{ config: { name: "caller", compatibilityDate: "2026-10-23", manifest } }],
  })
  await miniflare.ready
})
afterAll(async () => {
  await miniflare.dispose()
  await queue.close()
})

it("the client works in workerd, out of its own folder alone", async () => {
  const body = JSON.stringify({ url: queue.url, apiKey: ADMIN_KEY })
  const answer = await miniflare.dispatchFetch("http://worker/", { method: "POST", body })
  expect(await answer.json()).toEqual({
    state: "cancelled",
    refused: {
      code: "invalid_request",
      errors: [{ path: "/model", message: "must have 1 to 128 characters" }],
    },
  })
})
