import OpenAI, { toFile } from "openai"
import { afterEach, describe, expect, test } from "vitest"
import { freePort } from "../../dev/port.ts"
import { startSimulator } from "../../dev/simulator/simulator.ts"
import { chatLine } from "../batches/lines.ts"
import { documentedFetch } from "../helpers/documented.ts"
import { eventually } from "../helpers/eventually.ts"
import { ADMIN_KEY, type Checkout, createCheckout, Stack, stackStores } from "../helpers/stack.ts"
import { isFull } from "./effort.ts"
import { recordFault } from "./tally.ts"

const [LINES, KILLS] = [300, 3]
const MODELS = ["gpt-5-mini", "anthropic/claude-sonnet-4-5", "deepseek/deepseek-chat"]
const ANSWER = { headersLatencyMs: 50, latencyMs: 50, tokens: 20, tokensPerSecond: 50 }
const SETTINGS = {
  ...{ DRAIN_LANES: "3", DRAIN_CONCURRENCY: "6", DEV_CRON_MS: "1000" },
  ...{ REQUEST_TIMEOUT_MS: "5000", MAX_PROCESSING_TIME_MS: "1000" },
}

const lines = Array.from({ length: LINES }, (_, i) => {
  const refusal = i % 10 === 3 ? " [[sim: error=invalid_request]]" : ""
  return chatLine(`line-${i}`, `Question ${i}?${refusal}`, { model: MODELS[i % MODELS.length] })
})

/** A lease that a kill has left lasts for 36 s, so this is only for those who have the time. */
describe.runIf(isFull && stackStores.includes("redis"))("a batch in workerd", () => {
  let checkout: Checkout
  afterEach(() => checkout.remove())

  test("ends with the same lines as an undisturbed one when the whole stack is killed", async ({
    onTestFinished,
  }) => {
    checkout = createCheckout("redis")
    const simulator = await startSimulator(ANSWER)
    onTestFinished(() => simulator.close())
    const { openai, anthropic, deepseek } = simulator.baseUrls
    const urls = { OPENAI_BASE_URL: openai, ANTHROPIC_BASE_URL: anthropic, DEEPSEEK_BASE_URL: deepseek }
    const start = async () => new Stack(checkout, await freePort(), { ...urls, ...SETTINGS }).ready()
    let stack = await start()
    const client = () => new OpenAI({ baseURL: `${stack.url}/v1`, apiKey: ADMIN_KEY, fetch: documentedFetch })

    const begin = async () => {
      const text = lines.map((line) => JSON.stringify(line)).join("\n")
      const file = await toFile(Buffer.from(text), "in.jsonl")
      const { id } = await client().files.create({ file, purpose: "batch" })
      return client().batches.create({
        ...{ input_file_id: id, endpoint: "/v1/chat/completions", completion_window: "24h" },
      })
    }
    /** What the lines came to; ids and times of answers are each call's own. */
    const end = async (batchId: string) => {
      const batch = await eventually(
        async () => {
          const seen = await client().batches.retrieve(batchId)
          return seen.status === "completed" ? seen : null
        },
        { withinMs: 150_000, everyMs: 500 },
      )
      const read = async (fileId: string) => {
        const text = await (await client().files.content(fileId)).text()
        return text.trimEnd().split("\n").map(readLine)
      }
      const { output_file_id = "", error_file_id = "", request_counts } = batch ?? {}
      return { request_counts, output: await read(output_file_id), errors: await read(error_file_id) }
    }

    const undisturbed = await end((await begin()).id)
    expect(undisturbed.request_counts).toEqual({ total: LINES, completed: LINES * 0.9, failed: LINES * 0.1 })
    const { id } = await begin()
    const done = () => simulator.calls.filter(({ result }) => result === "completed").length
    for (let kills = 0; kills < KILLS; kills++) {
      const before = done()
      await eventually(() => done() > before + 20, { withinMs: 60_000, everyMs: 10 })
      await stack.killAll()
      stack = await start()
    }
    expect(await end(id)).toEqual(undisturbed)
    await stack.stop()
    recordFault({
      table: "processes",
      fault: `SIGKILL of the whole stack while a batch of ${LINES} lines runs`,
      ...{ tried: KILLS, lost: 0, doubled: 0 },
      seen: "its lines came to what those of an undisturbed one did, in the same order",
    })
  }, 300_000)
})

function readLine(text: string) {
  const { custom_id, response, error } = JSON.parse(text) as {
    custom_id: string
    response: { status_code: number; body: { choices?: { message: { content: string } }[] } } | null
    error: unknown
  }
  const content = response?.body.choices?.[0]?.message.content
  return { custom_id, status: response?.status_code, content, error }
}
