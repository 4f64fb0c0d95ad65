import { afterAll, beforeAll, expect, it } from "vitest"
import type { Services } from "../../src/http/context.ts"
import { createQueue } from "../../src/queue/queue.ts"
import { startTestStore, type TestStore } from "../helpers/store.ts"
import { composeServices, createCall, requestBody } from "./server.ts"

let store: TestStore
beforeAll(async () => {
  store = await startTestStore("embedded")
})
afterAll(() => store.close())

it("is degraded while a backlog is not drained, and ok again once it is", async () => {
  let now = Date.now()
  const clock = () => now
  const composed = composeServices(store, "ignored")
  const settings = { ...composed.config, providers: ["openai"] }
  const services: Services = {
    ...composed,
    clock,
    queue: createQueue({ redis: store, queueName: "health", settings, clock }),
  }
  const call = createCall(services)
  const health = async () => {
    now += 5000
    const { status, body } = await call("GET", "/v1/health", undefined, "none")
    return { code: status, ...body }
  }
  expect(await health()).toEqual({ code: 200, status: "ok" })
  await call("POST", "/v1/requests", requestBody())
  expect(await health()).toEqual({ code: 200, status: "ok" })
  now += 10 * 60_000
  expect(await health()).toEqual({ code: 200, status: "degraded" })
  await services.queue.claim({ owner: "test:1", limit: 1, maxBytes: 1e6, maxTimeoutMs: 600_000 })
  expect(await health()).toEqual({ code: 200, status: "ok" })
})
