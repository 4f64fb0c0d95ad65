import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join, resolve } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { freePort } from "../../dev/port.ts"
import type { Delivery } from "../../src/core/delivery.ts"
import { eventually } from "../helpers/eventually.ts"
import { chat, createApi } from "../helpers/requests.ts"
import {
  ADMIN_KEY,
  type Checkout,
  createCheckout,
  type Stack,
  stackStores,
  startStack,
} from "../helpers/stack.ts"

const RECEIVER = resolve(import.meta.dirname, "../../examples/webhook-receiver/receiver.ts")

let checkout: Checkout
let stack: Stack
let api: ReturnType<typeof createApi>
let secret: string
let port: number
let receiver: ChildProcess
let heard = ""

/** The example, as a process of its own, with the secret that it is told. */
async function startReceiver(key: string): Promise<void> {
  const env = { AIQ_URL: stack.url, AIQ_KEY: ADMIN_KEY, WEBHOOK_SECRET: key, PORT: String(port) }
  receiver = spawn(process.execPath, [RECEIVER], { env, cwd: join(RECEIVER, "../../..") })
  for (const stream of [receiver.stdout, receiver.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      heard += text
    })
  }
  await eventually(() => heard.includes(`listening on http://127.0.0.1:${port}`))
}

async function stopReceiver(): Promise<void> {
  const exited = once(receiver, "exit")
  receiver.kill()
  await exited
  heard = ""
}

const deliveries = async (requestId: string) =>
  (await api.call<{ data: Delivery[] }>("GET", `/v1/deliveries?requestId=${requestId}`, 200)).data

beforeAll(async () => {
  checkout = createCheckout(stackStores.at(-1) ?? "embedded")
  port = await freePort()
  // What is due later wakes no one but the tick.
  stack = await startStack(checkout, { WEBHOOK_ALLOW_PRIVATE: "1", DEV_CRON_MS: "3600000" })
  api = createApi(stack.url)
  secret = (await api.call<{ secret: string }>("POST", "/v1/webhook-secrets", 201, { organizationId: "e2e" }))
    .secret
  await startReceiver(secret)
})
afterAll(async () => {
  await stopReceiver()
  await stack.stop()
  await checkout.remove()
})

const request = (text: string, more = {}) =>
  chat("openai", text, { callback: { url: `http://127.0.0.1:${port}/hook?token=x` }, ...more })

it("the example of a receiver is told of each end, and finds the answer", async () => {
  const completed = await api.enqueue(request("Tell me when you are done."))
  await eventually(() => heard.includes(`${completed} Simulated answer from openai`), { withinMs: 20_000 })
  const failed = await api.enqueue(request("[[sim: error=rejected]]"))
  await eventually(() => heard.includes(`${failed} request.failed provider_rejected`), { withinMs: 20_000 })
  const later = await api.enqueue(request("Never mind.", { delayMs: 3_600_000 }))
  await api.call("DELETE", `/v1/requests/${later}`, 200)
  await eventually(() => heard.includes(`${later} request.cancelled`), { withinMs: 20_000 })
  const shown = await deliveries(completed)
  expect(shown).toMatchObject([
    { state: "delivered", url: `http://127.0.0.1:${port}/hook`, attempts: [{ status: 204, error: null }] },
  ])
})

it("a receiver that does not know the secret yet refuses, and has it at the next try", async () => {
  await stopReceiver()
  await startReceiver(`whsec_${Buffer.from("another secret than this one").toString("base64")}`)
  const requestId = await api.enqueue(request("Who are you?"))
  await eventually(async () => (await deliveries(requestId))[0]?.state === "failed", { withinMs: 20_000 })
  expect(heard).toContain("not from the queue")
  await stopReceiver()
  await startReceiver(secret)
  await eventually(() => heard.includes(`${requestId} Simulated answer`), { withinMs: 20_000 })
  const [delivery] = await deliveries(requestId)
  const errors = delivery?.attempts.map(({ status, error }) => [status, error])
  expect(errors?.at(0)).toEqual([401, "status"])
})

it("what was delivered is delivered again when asked, and the example does its work once", async () => {
  const requestId = await api.enqueue(request("Once is enough."))
  await eventually(() => heard.includes(`${requestId} Simulated`), { withinMs: 20_000 })
  await eventually(async () => (await deliveries(requestId))[0]?.state === "delivered")
  const [delivery] = await deliveries(requestId)
  await api.call("POST", `/v1/deliveries/${delivery?.deliveryId}/redeliver`, 202)
  await eventually(async () => (await deliveries(requestId))[0]?.attempts.length === 2, { withinMs: 20_000 })
  expect(heard.split(`${requestId} Simulated`)).toHaveLength(2)
})
