import { connect } from "node:net"
import { afterAll, beforeAll, expect, it } from "vitest"
import { ADMIN_KEY, startBareWorker } from "../../bench/stack/bare-worker.ts"
import type { Workerd } from "../../bench/stack/workerd.ts"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"
import { documentedFetch } from "../helpers/documented.ts"
import { eventually } from "../helpers/eventually.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"

let store: TestStore
let simulator: Simulator
let worker: Workerd
beforeAll(async () => {
  store = await startBestStore()
  simulator = await startSimulator({ latencyMs: 0, tokens: 200, tokensPerSecond: 10 })
  const env = { QUEUE_NAME: "leaves", OPENAI_BASE_URL: simulator.baseUrls.openai }
  worker = await startBareWorker({ store, env })
})
afterAll(async () => {
  await worker?.stop()
  await simulator?.close()
  await store?.close()
})

/** What arrived until the caller broke the connection off; workerd learns of that as a Worker at the edge does. */
async function leave(organization: string, body: object, headers: string[], when: (got: string) => boolean) {
  const socket = connect(Number(new URL(worker.url).port), "127.0.0.1")
  socket.on("error", () => undefined)
  let got = ""
  socket.setEncoding("utf8").on("data", (text: string) => {
    got += text
  })
  const json = JSON.stringify(body)
  const head = ["POST /v1/chat/completions HTTP/1.1", "Host: queue", `Authorization: Bearer ${ADMIN_KEY}`]
  head.push(`OpenAI-Organization: ${organization}`, "Content-Type: application/json", ...headers)
  socket.write(`${[...head, `Content-Length: ${Buffer.byteLength(json)}`].join("\r\n")}\r\n\r\n${json}`)
  await eventually(() => when(got))
  socket.resetAndDestroy()
}

const chat = (content: string, more: object = {}) => ({
  ...{ model: "gpt-5", messages: [{ role: "user", content }], ...more },
})
const resultsOf = (tag: string) =>
  simulator.calls.filter((call) => call.tag.includes(tag)).map(({ result }) => result)
const isCalled = (tag: string) => () => resultsOf(tag).length > 0

async function statesOf(organization: string): Promise<string[]> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}` }
  const answer = await documentedFetch(`${worker.url}/v1/requests?organizationId=${organization}`, {
    headers,
  })
  return ((await answer.json()) as { data: { state: string }[] }).data.map(({ state }) => state)
}

it("request.signal tells of a caller that leaves before the answer has begun", async () => {
  await leave("waits", chat("I wait."), [], isCalled("I wait."))
  await eventually(async () => (await statesOf("waits")).join() === "cancelled")
  await eventually(() => resultsOf("I wait.").join() === "aborted")
})

it("and of one that stops reading", async () => {
  await leave("reads", chat("I read.", { stream: true }), [], (got) => got.split("data: ").length > 3)
  await eventually(async () => (await statesOf("reads")).join() === "cancelled")
  await eventually(() => resultsOf("I read.").join() === "aborted")
})

it("cancels nothing of a caller that will come back", async () => {
  const text = "I return. [[sim: tokens=5]]"
  await leave("returns", chat(text), ["Idempotency-Key: mine"], isCalled("I return."))
  await eventually(async () => (await statesOf("returns")).join() === "completed")
  expect(resultsOf("I return.")).toEqual(["completed"])
})
