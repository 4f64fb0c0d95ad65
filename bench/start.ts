/**
 * From the enqueue call to the provider's door, on an idle local stack with lanes, against a bare call of the provider from a
 * Worker, in turns. Starts all it needs; takes half a minute.
 */
import { setTimeout as pause } from "node:timers/promises"
import { Miniflare } from "miniflare"
import { startSimulator } from "../dev/simulator/simulator.ts"
import { eventually } from "../test/helpers/eventually.ts"
import { chat, createApi } from "../test/helpers/requests.ts"
import { createCheckout, stackStores, startStack } from "../test/helpers/stack.ts"

const ROUNDS = 30
const BETWEEN_MS = 300

const CALLER = `export default {
  async fetch(request) {
    const { url, text } = await request.json()
    const body = JSON.stringify({ model: "m", stream: true, messages: [{ role: "user", content: text }] })
    const headers = { "content-type": "application/json" }
    const answer = await fetch(url + "/chat/completions", { method: "POST", headers, body })
    await answer.text()
    return new Response()
  },
}`

const simulator = await startSimulator({ latencyMs: 0, tokensPerSecond: 0 })
const checkout = createCheckout(stackStores.at(-1) ?? "embedded")
const stack = await startStack(checkout, {
  OPENAI_BASE_URL: simulator.baseUrls.openai,
  DEV_CRON_MS: "3600000",
})
const api = createApi(stack.url)
const manifest = { mainModule: "main.js", modules: { "main.js": { type: "esm" as const, contents: CALLER } } }
const caller = new Miniflare({
  cf: false,
  workers: [{ config: { name: "caller", compatibilityDate: "2026-10-23", manifest } }],
})
await caller.ready

/** Until the provider sees a call with this text, ms. */
async function untilSeen(text: string, send: () => Promise<unknown>): Promise<number> {
  const startedAt = Date.now()
  await send()
  const seenAt = await eventually(() => simulator.calls.find(({ tag }) => tag === text)?.startedAt)
  return (seenAt ?? Number.NaN) - startedAt
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

const url = simulator.baseUrls.openai
const call = (text: string) =>
  caller.dispatchFetch("http://caller/", { method: "POST", body: JSON.stringify({ url, text }) })
await untilSeen("warm queue", () => api.enqueue(chat("openai", "warm queue")))
await untilSeen("warm call", () => call("warm call"))
const [bare, queued]: [number[], number[]] = [[], []]
for (let i = 0; i < ROUNDS; i++) {
  await pause(BETWEEN_MS)
  bare.push(await untilSeen(`bare ${i}`, () => call(`bare ${i}`)))
  await pause(BETWEEN_MS)
  queued.push(await untilSeen(`queued ${i}`, () => api.enqueue(chat("openai", `queued ${i}`))))
}
console.log(`${ROUNDS} of each, median until the provider sees the call, ms`)
console.log(`bare call from a Worker  ${median(bare)}`)
console.log(`through the queue        ${median(queued)}`)
console.log(`difference               ${median(queued) - median(bare)}`)

await caller.dispose()
await stack.stop()
await checkout.remove()
await simulator.close()
