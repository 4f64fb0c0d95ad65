import Anthropic from "@anthropic-ai/sdk"
import OpenAI, { toFile } from "openai"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { documentedFetch } from "../helpers/documented.ts"
import { eventually } from "../helpers/eventually.ts"
import {
  ADMIN_KEY,
  type Checkout,
  createCheckout,
  type Stack,
  stackStores,
  startStack,
} from "../helpers/stack.ts"

let checkout: Checkout
let stack: Stack
let openai: OpenAI
let anthropic: Anthropic
beforeAll(async () => {
  checkout = createCheckout(stackStores.at(-1) ?? "embedded")
  stack = await startStack(checkout)
  openai = new OpenAI({ baseURL: `${stack.url}/v1`, apiKey: ADMIN_KEY, fetch: documentedFetch })
  anthropic = new Anthropic({ baseURL: stack.url, apiKey: ADMIN_KEY, fetch: documentedFetch })
})
afterAll(async () => {
  await stack.stop()
  await checkout.remove()
})

const MODELS = ["gpt-5-mini", "anthropic/claude-sonnet-4-5", "deepseek/deepseek-chat"]
const ENDED = ["completed", "failed", "expired", "cancelled"]

function line(i: number, content: string) {
  const body = { model: MODELS[i % MODELS.length], messages: [{ role: "user", content }] }
  return { custom_id: `request-${i}`, method: "POST", url: "/v1/chat/completions", body }
}

async function upload(lines: object[]) {
  const text = lines.map((each) => JSON.stringify(each)).join("\n")
  return openai.files.create({ file: await toFile(Buffer.from(text), "in.jsonl"), purpose: "batch" })
}

async function startBatch(inputFileId: string) {
  return openai.batches.create({
    input_file_id: inputFileId,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
    metadata: { night: "1" },
  })
}

async function ended(batchId: string) {
  return eventually(
    async () => {
      const batch = await openai.batches.retrieve(batchId)
      return ENDED.includes(batch.status) ? batch : null
    },
    { withinMs: 60_000, everyMs: 200 },
  )
}

async function readLines(fileId: string) {
  const text = await (await openai.files.content(fileId)).text()
  return text
    .trimEnd()
    .split("\n")
    .map((each) => JSON.parse(each))
}

describe("batches with OpenAI's SDK", () => {
  it("are answered by all providers, in the order of the input", async () => {
    const lines = Array.from({ length: 12 }, (_, i) => line(i, `Question ${i}?`))
    const file = await upload(lines)
    const batch = await startBatch(file.id)
    expect(batch).toMatchObject({
      ...{ object: "batch", status: "validating", input_file_id: file.id, completion_window: "24h" },
      ...{ endpoint: "/v1/chat/completions", metadata: { night: "1" }, errors: null },
      request_counts: { total: 0, completed: 0, failed: 0 },
    })
    const done = await ended(batch.id)
    expect(done).toMatchObject({
      ...{ status: "completed", error_file_id: null },
      request_counts: { total: 12, completed: 12, failed: 0 },
    })
    const told = await readLines(done?.output_file_id ?? "")
    expect(told.map(({ custom_id }) => custom_id)).toEqual(lines.map(({ custom_id }) => custom_id))
    for (const [i, { response }] of told.entries()) {
      expect(response.body.choices[0].message.content).toContain(`Question ${i}?`)
    }
    const page = await openai.batches.list({ limit: 1 })
    expect(page.data).toMatchObject([{ id: batch.id, status: "completed" }])
  })

  it("fail with the numbers of the lines that are wrong", async () => {
    const file = await upload([line(0, "fine"), { ...line(1, "wrong"), url: "/v1/embeddings" }])
    const done = await ended((await startBatch(file.id)).id)
    expect(done).toMatchObject({
      status: "failed",
      errors: { object: "list", data: [{ code: "mismatched_endpoint", line: 2, param: "url" }] },
    })
  })

  it("are refused without a file, and for an endpoint that is none", async () => {
    await expect(startBatch("file-none")).rejects.toMatchObject({ status: 400, param: "input_file_id" })
    const file = await upload([line(0, "fine")])
    await expect(
      openai.batches.create({
        ...{ input_file_id: file.id, endpoint: "/v1/embeddings", completion_window: "24h" },
      }),
    ).rejects.toMatchObject({ status: 400, param: "endpoint" })
    await expect(openai.batches.retrieve("batch_none")).rejects.toMatchObject({ status: 404 })
  })

  it("are cancelled with what is done until then", async () => {
    const lines = Array.from({ length: 10 }, (_, i) =>
      line(i, `[[sim: headersLatencyMs=25000]] Question ${i}?`),
    )
    const batch = await startBatch((await upload(lines)).id)
    await eventually(async () => (await openai.batches.retrieve(batch.id)).status === "in_progress")
    expect(await openai.batches.cancel(batch.id)).toMatchObject({ status: "cancelling" })
    const done = await ended(batch.id)
    expect(done).toMatchObject({ status: "cancelled", request_counts: { total: 10, completed: 0 } })
    const told = await readLines(done?.error_file_id ?? "")
    expect(told.map(({ error }) => error.code)).toEqual(lines.map(() => "batch_cancelled"))
    expect(await openai.batches.cancel(batch.id)).toMatchObject({ status: "cancelled" })
  })
})

describe("message batches with Anthropic's SDK", () => {
  const request = (custom_id: string, content: string, model = "claude-sonnet-4-5") => ({
    custom_id,
    params: { model, max_tokens: 100, messages: [{ role: "user" as const, content }] },
  })
  const hasEnded = (batchId: string) =>
    eventually(
      async () => {
        const batch = await anthropic.messages.batches.retrieve(batchId)
        return batch.processing_status === "ended" ? batch : null
      },
      { withinMs: 60_000, everyMs: 200 },
    )

  it("have results for each request, whoever answers it", async () => {
    const created = await anthropic.messages.batches.create({
      requests: [
        request("one", "Question one?"),
        request("two", "Question two?", "openai/gpt-5-mini"),
        { custom_id: "three", params: { ...request("three", "x").params, max_tokens: 0 } },
        request("four", "Question four?", "deepseek/deepseek-chat"),
      ],
    })
    expect(created).toMatchObject({
      ...{ type: "message_batch", processing_status: "in_progress", results_url: null, ended_at: null },
      request_counts: { processing: 4, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    })
    expect(await hasEnded(created.id)).toMatchObject({
      request_counts: { processing: 0, succeeded: 3, errored: 1, canceled: 0, expired: 0 },
      results_url: `${stack.url}/v1/messages/batches/${created.id}/results`,
    })
    const results: Anthropic.Messages.MessageBatchIndividualResponse[] = []
    for await (const result of await anthropic.messages.batches.results(created.id)) results.push(result)
    expect(results).toMatchObject([
      { custom_id: "one", result: { type: "succeeded", message: { type: "message", role: "assistant" } } },
      { custom_id: "two", result: { type: "succeeded" } },
      {
        custom_id: "three",
        result: {
          type: "errored",
          error: {
            type: "error",
            error: { type: "invalid_request_error", message: expect.stringContaining("max_tokens") },
          },
        },
      },
      { custom_id: "four", result: { type: "succeeded" } },
    ])
    expect(await anthropic.messages.batches.delete(created.id)).toEqual({
      id: created.id,
      type: "message_batch_deleted",
    })
    await expect(anthropic.messages.batches.retrieve(created.id)).rejects.toMatchObject({ status: 404 })
  })

  it("are refused with the custom ids that are wrong", async () => {
    const wrong = anthropic.messages.batches.create({
      requests: [request("same", "a"), request("same", "b"), request("not good", "c")],
    })
    await expect(wrong).rejects.toMatchObject({ status: 400 })
    await expect(wrong).rejects.toThrow(/requests\[1\]\.custom_id must be unique.*requests\[2\]\.custom_id/)
  })

  it("are cancelled, and listed newest first", async () => {
    const created = await anthropic.messages.batches.create({
      requests: [request("slow", "[[sim: headersLatencyMs=25000]] Question?")],
    })
    expect(await anthropic.messages.batches.cancel(created.id)).toMatchObject({
      processing_status: "canceling",
      cancel_initiated_at: expect.any(String),
    })
    expect(await hasEnded(created.id)).toMatchObject({ request_counts: { canceled: 1, processing: 0 } })
    const page = await anthropic.messages.batches.list({ limit: 1 })
    expect(page.data[0]?.id).toBe(created.id)
  })
})
