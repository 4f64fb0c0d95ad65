import OpenAI, { APIConnectionTimeoutError } from "openai"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { RequestStatus } from "../../src/core/outcome.ts"
import { eventually } from "../helpers/eventually.ts"
import { createApi } from "../helpers/requests.ts"
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
let client: OpenAI
beforeAll(async () => {
  checkout = createCheckout(stackStores.at(-1) ?? "embedded")
  stack = await startStack(checkout, { MODELS: '{"smart": "anthropic/claude-sonnet-4-5"}' })
  client = new OpenAI({ baseURL: `${stack.url}/v1`, apiKey: ADMIN_KEY })
})
afterAll(async () => {
  await stack.stop()
  await checkout.remove()
})

const ask = (content: string, model = "gpt-5-mini") => ({
  model,
  messages: [{ role: "user" as const, content }],
})

interface Calls {
  calls: { result: string | null; startedAt: number; endedAt: number | null }[]
}
async function callsOf(tag: string): Promise<Calls["calls"]> {
  const answer = await fetch(`${stack.addresses.simulatorUrl}/__calls?tag=${encodeURIComponent(tag)}`)
  return ((await answer.json()) as Calls).calls
}

const requestsOf = async (organizationId: string) => {
  const path = `/v1/requests?limit=100&organizationId=${organizationId}`
  return (await createApi(stack.url).call<{ data: RequestStatus[] }>("GET", path, 200)).data
}

describe("chat completions with OpenAI's SDK", () => {
  it.each(["gpt-5-mini", "anthropic/claude-sonnet-4-5", "deepseek/deepseek-chat", "smart"])(
    "%s answers",
    async (model) => {
      const text = `What does ${model} say?`
      const { data, response } = await client.chat.completions.create(ask(text, model)).withResponse()
      expect(data).toMatchObject({ object: "chat.completion", choices: [{ finish_reason: "stop" }] })
      expect(data.choices[0]?.message.content).toContain(text)
      const requestId = response.headers.get("x-queue-request-id") ?? ""
      const status = await createApi(stack.url).status(requestId)
      expect(status).toMatchObject({ state: "completed", organizationId: "default", priority: "normal" })
    },
  )

  it("streams: the chunks put together are the stored answer", async () => {
    const stream = client.chat.completions.stream({
      ...ask("Tell a long story."),
      stream_options: { include_usage: true },
    })
    const texts: string[] = []
    stream.on("content", (delta) => texts.push(delta))
    const whole = await stream.finalChatCompletion()
    expect(texts.join("")).toBe(whole.choices[0]?.message.content)
    expect(whole.usage?.completion_tokens).toBeGreaterThan(0)
  })
})

describe("a caller that leaves", () => {
  it.each([false, true])(
    "cancels its request, so that its own tries never pay twice (stream: %s)",
    async (stream) => {
      const organization = `leaves-${stream}`
      const impatient = new OpenAI({
        ...{ baseURL: `${stack.url}/v1`, apiKey: ADMIN_KEY, organization, timeout: 300, maxRetries: 2 },
      })
      const text = `Slow ${stream} [[sim: latencyMs=5000]]`
      const asked = impatient.chat.completions.create({ ...ask(text), stream })
      await expect(asked).rejects.toThrow(APIConnectionTimeoutError)
      const states = async () => (await requestsOf(organization)).map(({ state }) => state)
      await eventually(async () => (await states()).join() === "cancelled,cancelled,cancelled")
      await eventually(async () =>
        (await callsOf(`Slow ${stream}`)).every(({ result }) => result === "aborted"),
      )
      const calls = await callsOf(`Slow ${stream}`)
      expect(calls.length).toBeGreaterThan(0)
      // One at a time: each began when the one before had ended.
      const overlaps = calls.slice(1).filter(({ startedAt }, i) => startedAt < (calls[i]?.endedAt ?? 0))
      expect(overlaps).toEqual([])
    },
  )
})
