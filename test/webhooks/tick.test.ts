import { afterAll, beforeAll, expect, it } from "vitest"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"
import { compose, type WorkerServices } from "../../src/compose.ts"
import { eventually } from "../helpers/eventually.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { createCall } from "../http/server.ts"
import { type Receiver, startReceiver } from "./receiver.ts"

const ADMIN_KEY = "an-admin-key-for-the-tests"

let store: TestStore
let simulator: Simulator
let receiver: Receiver
let services: WorkerServices
beforeAll(async () => {
  store = await startBestStore()
  simulator = await startSimulator({ latencyMs: 1, tokensPerSecond: 0 })
  receiver = await startReceiver()
  const composition = compose({
    ...{ ADMIN_API_KEY: ADMIN_KEY, QUEUE_NAME: "ticks", DRAIN_LANES: "0", WEBHOOK_ALLOW_PRIVATE: "1" },
    ...{ UPSTASH_REDIS_REST_URL: store.url, UPSTASH_REDIS_REST_TOKEN: store.token },
    OPENAI_BASE_URL: simulator.baseUrls.openai,
  })
  if (composition.services === null) throw new Error("the settings are bad")
  services = composition.services
})
afterAll(async () => {
  await receiver.close()
  await simulator.close()
  await store.close()
})

it("without lanes the tick delivers, on a free plan's subrequests too, and no try is cut short by their end", async () => {
  const call = createCall(services)
  const messages = [{ role: "user", content: "Hello." }]
  const callback = { url: `${receiver.url}/hook` }
  const request = { provider: "openai", model: "gpt-5", organizationId: "org-1", messages, callback }
  const { body } = await call("POST", "/v1/requests/bulk", { requests: Array(8).fill(request) })
  const ids = body.requests.map(({ requestId }: { requestId: string }) => requestId)
  await eventually(
    async () => {
      await services.tick()
      const { data } = (await call("GET", "/v1/deliveries?organizationId=org-1")).body
      return data.length === 8 && data
    },
    { withinMs: 20_000 },
  )
  const { data } = (await call("GET", "/v1/deliveries?organizationId=org-1&state=delivered")).body
  expect(data.map(({ requestId }: { requestId: string }) => requestId).sort()).toEqual([...ids].sort())
  expect(receiver.calls).toHaveLength(8)
})
