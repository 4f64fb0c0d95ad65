import { afterAll, beforeAll, expect, it } from "vitest"
import { createApp } from "../../src/http/app.ts"
import type { App } from "../../src/http/context.ts"
import { documented } from "../helpers/documented.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { ADMIN_KEY, composeServices } from "./server.ts"

const ORIGIN = "https://app.example.com"

let store: TestStore
let app: App
beforeAll(async () => {
  store = await startBestStore()
  const services = composeServices(store, "cors")
  const config = { ...services.config, corsOrigins: [ORIGIN] }
  app = createApp(() => ({ services: { ...services, config }, problems: [] }))
})
afterAll(() => store.close())

it("pages of allowed origins may use vendors' SDKs, which send headers of their own", async () => {
  const asked = "authorization,content-type,x-stainless-lang,anthropic-version"
  const exchange = { method: "OPTIONS", path: "/v1/chat/completions" }
  const answer = await app.request(exchange.path, {
    method: exchange.method,
    headers: {
      origin: ORIGIN,
      "access-control-request-method": "POST",
      "access-control-request-headers": asked,
    },
  })
  const { status, headers } = await documented(exchange, answer)
  expect(status).toBe(204)
  expect(headers.get("access-control-allow-headers")).toBe(asked)
})

it("and those SDKs can read that they are not to try again", async () => {
  const answer = await app.request("/v1/models", {
    headers: { origin: ORIGIN, authorization: `Bearer ${ADMIN_KEY}` },
  })
  const { headers } = await documented({ method: "GET", path: "/v1/models" }, answer)
  expect(headers.get("access-control-expose-headers")?.toLowerCase().split(", ")).toContain("x-should-retry")
})
