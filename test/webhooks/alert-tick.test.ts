import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"
import { compose, type WorkerServices } from "../../src/compose.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { createCall } from "../http/server.ts"
import { type Receiver, startReceiver } from "./receiver.ts"

const ADMIN_KEY = "an-admin-key-for-the-tests"
const MINUTE = 60_000

let store: TestStore
let simulator: Simulator
let receiver: Receiver
let services: WorkerServices
beforeAll(async () => {
  store = await startBestStore()
  simulator = await startSimulator({ latencyMs: 1, tokensPerSecond: 0 })
  receiver = await startReceiver()
  const composition = compose({
    ...{ ADMIN_API_KEY: ADMIN_KEY, QUEUE_NAME: "alarmed", DRAIN_LANES: "0", WEBHOOK_ALLOW_PRIVATE: "1" },
    ...{ UPSTASH_REDIS_REST_URL: store.url, UPSTASH_REDIS_REST_TOKEN: store.token },
    ALERTS: JSON.stringify({ url: `${receiver.url}/alerts`, rules: { breaker_open: {} } }),
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
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() })
})
afterEach(() => {
  vi.useRealTimers()
})

it("a provider that refuses the account rings with the ticks, and its recovery is told", async () => {
  const call = createCall(services)
  const enqueue = async (content: string) => {
    const request = { provider: "openai", model: "gpt-5", organizationId: "org-1" }
    const messages = [{ role: "user", content }]
    return (await call("POST", "/v1/requests", { ...request, messages })).body.requestId as string
  }
  const tick = async () => {
    vi.setSystemTime(Date.now() + MINUTE)
    await services.tick()
  }
  const ticksUntil = async (isSo: () => Promise<boolean> | boolean) => {
    for (let ticks = 0; ticks < 15 && !(await isSo()); ticks++) await tick()
    expect(await isSo()).toBe(true)
  }
  const told = async (count: number) => {
    await ticksUntil(() => receiver.calls.length >= count)
    expect(receiver.calls).toHaveLength(count)
    return receiver.calls.map(({ body }) => JSON.parse(body))
  }

  const refused = await enqueue("[[sim: error=unauthorized]]")
  await services.tick()
  expect((await call("GET", "/v1/pulse")).body.troubles).toMatchObject([
    { code: "provider_account", provider: "openai" },
  ])
  await tick()
  expect(receiver.calls).toEqual([])
  const [fired] = await told(1)
  expect(fired).toMatchObject({
    type: "alert.firing",
    data: { queueName: "alarmed", rule: "breaker_open", provider: "openai" },
  })
  expect(fired.data.text).toContain("provider_auth")
  await tick()
  expect((await call("GET", "/v1/alerts")).body).toMatchObject({
    firing: [{ alertId: fired.data.alertId }],
    notices: [{ type: "alert.firing", state: "delivered" }],
  })

  await call("DELETE", `/v1/requests/${refused}`)
  const sound = await enqueue("Hello.")
  await ticksUntil(async () => (await call("GET", `/v1/requests/${sound}`)).body.state === "completed")
  const [, recovered] = await told(2)
  expect(recovered).toMatchObject({ type: "alert.recovered", data: { alertId: fired.data.alertId } })
  expect((await call("GET", "/v1/alerts")).body).toMatchObject({ firing: [] })
})
