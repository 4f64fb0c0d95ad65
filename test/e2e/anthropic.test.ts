import Anthropic, {
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
} from "@anthropic-ai/sdk"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { RequestStatus } from "../../src/core/outcome.ts"
import { documentedFetch } from "../helpers/documented.ts"
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

const MODELS = ["smart", "openai/gpt-5", "deepseek/deepseek-chat"]
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
const WEATHER: Anthropic.Tool = {
  name: "weather",
  description: "Tells the weather of a city",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
}

let checkout: Checkout
let stack: Stack
let client: Anthropic
beforeAll(async () => {
  checkout = createCheckout(stackStores.at(-1) ?? "embedded")
  stack = await startStack(checkout, { MODELS: '{"smart": "anthropic/claude-sonnet-5"}' })
  client = new Anthropic({ baseURL: stack.url, apiKey: ADMIN_KEY, fetch: documentedFetch })
})
afterAll(async () => {
  await stack.stop()
  await checkout.remove()
})

const ask = (content: Anthropic.MessageParam["content"], model = "claude-sonnet-5") => ({
  ...{ model, max_tokens: 1000 },
  messages: [{ role: "user" as const, content }],
})
const textOf = ({ content }: Anthropic.Message) =>
  content.map((block) => (block.type === "text" ? block.text : "")).join("")
const requestIdOf = ({ id }: Anthropic.Message) => id.replace("msg_", "req_")

async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => null,
    (error: unknown) => error,
  )
}

describe.concurrent.each(MODELS)("%s behind Anthropic's SDK", (model) => {
  it("answers", async () => {
    const text = `What does ${model} say?`
    const system = "Be brief."
    const { data, request_id } = await client.messages.create({ ...ask(text, model), system }).withResponse()
    expect(textOf(data)).toContain(text)
    expect(data).toMatchObject({ type: "message", role: "assistant", stop_reason: "end_turn" })
    expect(data.usage.input_tokens).toBeGreaterThan(0)
    expect(request_id).toBe(requestIdOf(data))
    const status = await createApi(stack.url).status(requestIdOf(data))
    expect(status).toMatchObject({ state: "completed", organizationId: "default", priority: "normal" })
  })

  it("streams a message whose text is the one that is kept", async () => {
    const stream = client.messages.stream(ask(`A story of ${model} [[sim: tokens=60]]`, model))
    const texts: string[] = []
    stream.on("text", (delta) => texts.push(delta))
    const message = await stream.finalMessage()
    expect(texts.join("")).toBe(textOf(message))
    const { response } = await createApi(stack.url).status(requestIdOf(message))
    expect(textOf(message)).toBe(response?.choices[0]?.message.content)
    expect(message.usage.output_tokens).toBeGreaterThan(50)
    expect(message.stop_reason).toBe("end_turn")
  })

  it.each([false, true])("calls a tool, and goes on with its result (stream: %s)", async (isStream) => {
    const create = (params: Anthropic.MessageCreateParamsNonStreaming) =>
      isStream ? client.messages.stream(params).finalMessage() : client.messages.create(params)
    const asked = {
      ...ask("What is the weather in Oslo? [[sim: answer=tool_call]]", model),
      ...{ tools: [WEATHER], tool_choice: { type: "any" as const } },
    }
    const message = await create(asked)
    expect(message.stop_reason).toBe("tool_use")
    const [use] = message.content.filter((block) => block.type === "tool_use")
    expect(use).toMatchObject({ name: "weather", input: { city: "What is the weather in Oslo?" } })

    const result = {
      type: "tool_result" as const,
      tool_use_id: use?.id ?? "",
      content: "4 °C",
      is_error: false,
    }
    const { messages } = asked
    const after = await create({
      ...{ model, max_tokens: 1000, tools: [WEATHER] },
      messages: [
        ...messages,
        { role: "assistant", content: message.content },
        { role: "user", content: [result, { type: "text", text: "And now?" }] },
      ],
    })
    expect(textOf(after)).toContain("And now?")
  })

  it("looks at an image", async () => {
    const source = { type: "base64" as const, media_type: "image/png" as const, data: PIXEL }
    const message = await client.messages.create(
      ask(
        [
          { type: "image", source },
          { type: "text", text: "What is this?" },
        ],
        model,
      ),
    )
    expect(textOf(message)).toContain("What is this?")
  })
})

describe("what Anthropic alone knows", () => {
  it("thoughts come with their signature, and are taken back with the tool's result", async () => {
    const asked = {
      ...ask("Think, then look. [[sim: answer=tool_call]]"),
      ...{ tools: [WEATHER], thinking: { type: "enabled" as const, budget_tokens: 1024 } },
    }
    const message = await client.messages.create({ ...asked, max_tokens: 4000 })
    expect(message.content.map(({ type }) => type)).toEqual(["thinking", "tool_use"])
    expect(message.content[0]).toMatchObject({ signature: "c2ltdWxhdG9y" })
    expect(message.usage.output_tokens_details?.thinking_tokens).toBeGreaterThan(0)
    const [, use] = message.content
    const tool_use_id = use?.type === "tool_use" ? use.id : ""
    const tag = "Taken back"
    await client.messages.create({
      ...{ ...asked, max_tokens: 4000 },
      messages: [
        ...asked.messages,
        { role: "assistant", content: message.content },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id },
            { type: "text", text: tag, cache_control: { type: "ephemeral" } },
          ],
        },
      ],
    })
    const sent = await bodyWith(tag)
    expect(sent?.thinking).toEqual({ type: "enabled", budget_tokens: 1024 })
    expect(sent?.messages.slice(1)).toEqual([
      { role: "assistant", content: [message.content[0], { type: "tool_use", ...pick(use) }] },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id },
          { type: "text", text: tag, cache_control: { type: "ephemeral" } },
        ],
      },
    ])
  })
})

interface Sent {
  thinking: unknown
  messages: unknown[]
}

/** What was sent to the provider with that text. */
async function bodyWith(text: string): Promise<Sent | undefined> {
  const answer = await fetch(`${stack.addresses.simulatorUrl}/__bodies`)
  const { bodies } = (await answer.json()) as { bodies: { body: Sent }[] }
  return bodies.map(({ body }) => body).findLast((body) => JSON.stringify(body).includes(text))
}

function pick(block: Anthropic.ContentBlock | undefined) {
  return block?.type === "tool_use" ? { id: block.id, name: block.name, input: block.input } : null
}

describe("errors are those of the SDK", () => {
  it("a wrong key, a body that cannot be, a refusal of the provider", async () => {
    const stranger = new Anthropic({
      baseURL: stack.url,
      apiKey: "nobody-knows-this-key",
      maxRetries: 0,
      fetch: documentedFetch,
    })
    const wrongKey = await thrownBy(stranger.messages.create(ask("Hello")))
    expect(wrongKey).toBeInstanceOf(AuthenticationError)
    expect(wrongKey).toMatchObject({ status: 401, type: "authentication_error" })

    const badBody = await thrownBy(client.messages.create({ ...ask("Hello"), max_tokens: 0 }))
    expect(badBody).toBeInstanceOf(BadRequestError)
    expect(badBody).toMatchObject({ type: "invalid_request_error" })
    expect(String(badBody)).toContain("max_tokens")

    const refused = await thrownBy(client.messages.create(ask("No. [[sim: error=rejected]]")))
    expect(refused).toBeInstanceOf(BadRequestError)
    expect(refused).toMatchObject({ status: 400, requestID: expect.stringMatching(/^req_/) })
    expect(refused instanceof APIError && refused.headers?.get("x-should-retry")).toBe("false")

    const counted = await thrownBy(client.messages.countTokens(ask("How many?")))
    expect(counted).toBeInstanceOf(BadRequestError)
  })

  it("a failure is told once, after the queue's own tries", async () => {
    const params = ask("Silence [[sim: fault=stall_first]]")
    const headers = { "X-Queue-Priority": "critical", "X-Queue-Timeout": "1000" }
    const error = await thrownBy(client.messages.stream(params, { headers }).finalMessage())
    expect(error).toBeInstanceOf(APIError)
    expect(error).toMatchObject({ status: 504, type: "timeout_error" })
    const requests = await newest(2)
    expect(requests[0]).toMatchObject({ state: "failed", priority: "critical", timeoutMs: 1000 })
    expect(requests[0]?.attempts).toHaveLength(2)
    expect(requests[1]).toMatchObject({ priority: "normal" })
  })
})

describe("a stream", () => {
  const words = "So it goes, and so it went, and so it will go again. ".repeat(4)

  it("gives the text while it comes, and goes on after an attempt that broke off", async () => {
    const slow = `text="${words}" tokensPerSecond=25`
    const stream = client.messages.stream(
      ask(`A long way [[sim: ${slow} fault=cut afterTokens=30 times=1]] [[sim: ${slow}]]`),
    )
    const seen: string[] = []
    const states = new Set<string | undefined>()
    stream.on("text", async (delta) => {
      seen.push(delta)
      states.add((await newest())[0]?.state)
    })
    const message = await stream.finalMessage()
    expect(seen.join("")).toBe(words)
    expect(textOf(message)).toBe(words)
    expect(states).toContain("processing")
    const [request] = await newest()
    expect(request?.attempts.map(({ result }) => result)).toEqual(["retry", "completed"])
  })

  it("ends with an error when the next attempt says something else, which is not paid for in full", async () => {
    const first = `text="${words}" tokensPerSecond=25 fault=cut afterTokens=30 times=1`
    const second = 'text="Something else. And then some more of that." tokensPerSecond=5'
    const stream = client.messages.stream(ask(`Two ways [[sim: ${first}]] [[sim: ${second}]]`))
    const error = await thrownBy(stream.finalMessage())
    expect(error).toMatchObject({ type: "api_error", apiMessage: expect.stringContaining("broke off") })
    await eventually(async () => (await newest())[0]?.state === "cancelled")
  })
})

/** Of those that came without an organization of their own. */
async function newest(limit = 1): Promise<RequestStatus[]> {
  const path = `/v1/requests?limit=${limit}&organizationId=default`
  return (await createApi(stack.url).call<{ data: RequestStatus[] }>("GET", path, 200)).data
}

describe("the caller", () => {
  it("may leave the request behind: Prefer: respond-async", async () => {
    const answer = await client.messages
      .create(ask("Later"), { headers: { Prefer: "respond-async" } })
      .asResponse()
    expect(answer.status).toBe(202)
    const { requestId } = (await answer.json()) as { requestId: string }
    expect(answer.headers.get("location")).toBe(`/v1/requests/${requestId}`)
    await createApi(stack.url).completed([requestId])
  })

  it.each([false, true])("cancels by leaving (stream: %s)", async (isStream) => {
    const controller = new AbortController()
    const params = ask(`Slow ${isStream} [[sim: latencyMs=8000]]`)
    const leaving = isStream
      ? client.messages.stream(params, { signal: controller.signal }).finalMessage()
      : client.messages.create(params, { signal: controller.signal })
    const thrown = thrownBy(leaving)
    const isNewest = (state: string) => eventually(async () => (await newest())[0]?.state === state)
    await isNewest("processing")
    controller.abort()
    expect(await thrown).toBeInstanceOf(APIUserAbortError)
    await isNewest("cancelled")
  })

  it("may speak of betas, which are the queue's own to choose", async () => {
    const message = await client.beta.messages.create({ ...ask("Beta"), betas: ["files-api-2025-04-14"] })
    expect(message.content).toMatchObject([{ type: "text", text: expect.stringContaining("Beta") }])
  })

  it("gets the same answer again for the same Idempotency-Key", async () => {
    const options = { headers: { "Idempotency-Key": "once" } }
    const first = await client.messages.create(ask("Once"), options)
    expect(await client.messages.create(ask("Once"), options)).toEqual(first)
  })
})
