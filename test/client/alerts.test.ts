import { afterAll, beforeAll, expect, it } from "vitest"
import { AIRequestQueueClient } from "../../src/client/client.ts"
import { type Receiver, startReceiver } from "../webhooks/receiver.ts"
import { ADMIN_KEY, type ServedQueue, serveQueue } from "./served-queue.ts"

let receiver: Receiver
let served: ServedQueue
let queue: AIRequestQueueClient
beforeAll(async () => {
  receiver = await startReceiver()
  const ALERTS = JSON.stringify({ url: `${receiver.url}/alerts`, rules: { no_drain: {} } })
  served = await serveQueue({ ALERTS, WEBHOOK_ALLOW_PRIVATE: "1" })
  queue = new AIRequestQueueClient({ url: served.url, apiKey: ADMIN_KEY })
})
afterAll(async () => {
  await served.close()
  await receiver.close()
})

it("the pulse tells what is wrong", async () => {
  expect((await queue.pulse()).troubles).toEqual([])
  await queue.levers.pauseProvider("openai")
  expect((await queue.pulse()).troubles).toMatchObject([{ code: "provider_paused", provider: "openai" }])
})

it("rules are changed and returned to the setting, also when an answer is lost", async () => {
  expect(await queue.alerts.read()).toMatchObject({ rules: { no_drain: { seconds: 180 } }, changed: [] })
  let lost = 0
  served.interfere = ({ method }) => (method === "PATCH" && lost++ === 0 ? "lose" : undefined)
  expect(await queue.alerts.change({ rules: { breaker_open: {} } })).toMatchObject({
    ...{ rules: { breaker_open: {} }, changed: ["rules"] },
  })
  expect(lost).toBe(2)
  served.reset()
  expect((await queue.alerts.change({ rules: null })).changed).toEqual([])
})

it("a test notice arrives", async () => {
  const { noticeId } = await queue.alerts.test()
  await served.tick()
  expect(receiver.calls.map(({ headers }) => headers["webhook-id"])).toEqual([noticeId])
  expect((await queue.alerts.read()).notices).toMatchObject([{ noticeId, state: "delivered" }])
})
