import Anthropic from "@anthropic-ai/sdk"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"

let simulator: Simulator
let client: Anthropic

beforeAll(async () => {
  simulator = await startSimulator({ latencyMs: 0, tokensPerSecond: 0 })
  client = new Anthropic({ apiKey: "sk-ant-test", baseURL: simulator.baseUrls.anthropic, maxRetries: 0 })
})
afterAll(() => simulator.close())
beforeEach(() => simulator.clearScript())

const ask = (content: string): Anthropic.MessageCreateParamsNonStreaming => ({
  model: "claude-sonnet-5",
  max_tokens: 1000,
  system: "Be brief.",
  messages: [{ role: "user", content }],
})
const weather: Anthropic.Tool = {
  name: "get_weather",
  input_schema: { type: "object", properties: { city: { type: "string" }, metric: { type: "boolean" } } },
}
const textOf = (message: Anthropic.Message): string =>
  message.content.map((block) => (block.type === "text" ? block.text : "")).join("")

async function post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${simulator.baseUrls.anthropic}/v1/messages`, {
    method: "POST",
    headers: { "anthropic-version": "2023-06-01", ...headers },
    body: JSON.stringify(body),
  })
}

describe("Anthropic's format", () => {
  it("answers in one piece", async () => {
    const message = await client.messages.create(ask("What is ESG?"))

    expect(textOf(message)).toMatch(/^Simulated answer from anthropic\/claude-sonnet-5 to: "What is ESG\?"\./)
    expect(message).toMatchObject({ type: "message", role: "assistant", stop_reason: "end_turn" })
    expect(message.usage).toMatchObject({ output_tokens: 40, cache_read_input_tokens: 0 })
    expect(message._request_id).toMatch(/^req_sim_anthropic_/)
  })

  it("streams the same text in the documented order of events, usage cumulative", async () => {
    const whole = await client.messages.create(ask("Stream it"))
    const stream = client.messages.stream(ask("Stream it"))
    const types: string[] = []
    stream.on("streamEvent", (event) => types.push(event.type))
    const final = await stream.finalMessage()

    expect(textOf(final)).toBe(textOf(whole))
    expect(final.usage.output_tokens).toBe(40)
    expect(final.usage.input_tokens).toBe(whole.usage.input_tokens)
    const order = types.filter((type, index) => type !== types[index - 1])
    expect(order).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ])
    const raw = await (await post({ ...ask("Stream it"), stream: true })).text()
    expect(raw).toContain('event: ping\ndata: {"type":"ping"}\n\n')
    expect(raw).toMatch(/^event: message_start\ndata: \{"type":"message_start",/)
    expect(raw).toContain('"output_tokens":1,')
  })

  it.each([false, true])("thinks before it answers, when asked (streamed: %s)", async (streamed) => {
    const body: Anthropic.MessageCreateParamsNonStreaming = {
      ...ask("Think"),
      thinking: { type: "adaptive" },
    }
    const message = streamed
      ? await client.messages.stream(body).finalMessage()
      : await client.messages.create(body)

    expect(message.content.map((block) => block.type)).toEqual(["thinking", "text"])
    expect(message.content[0]).toMatchObject({ thinking: expect.stringContaining("Think"), signature: /./ })
    expect(message.usage.output_tokens).toBe(64)
  })

  it.each([false, true])("uses tools when the script says so (streamed: %s)", async (streamed) => {
    const body = { ...ask("Oslo [[sim: answer=tool_call toolCalls=2]]"), tools: [weather] }
    const message = streamed
      ? await client.messages.stream(body).finalMessage()
      : await client.messages.create(body)

    expect(message.stop_reason).toBe("tool_use")
    expect(message.content).toHaveLength(2)
    for (const block of message.content) {
      expect(block).toMatchObject({
        type: "tool_use",
        name: "get_weather",
        input: { city: "Oslo", metric: true },
      })
    }
  })

  it("uses the tool that the caller insists on, and takes its result", async () => {
    const first = await client.messages.create({
      ...ask("Now"),
      tools: [weather],
      tool_choice: { type: "tool", name: "get_weather" },
    })
    const use = first.content[0]
    expect(use?.type).toBe("tool_use")
    const second = await client.messages.create({
      ...ask("Now"),
      tools: [weather],
      messages: [
        { role: "user", content: "Now" },
        { role: "assistant", content: first.content as Anthropic.ContentBlockParam[] },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: use?.type === "tool_use" ? use.id : "", content: "12" },
          ],
        },
      ],
    })
    expect(second.stop_reason).toBe("end_turn")
  })

  it("refuses, answers nothing, ends at the limit and as it is told", async () => {
    const refused = await client.messages.create(ask("[[sim: answer=refusal]]"))
    expect(refused).toMatchObject({
      content: [],
      stop_reason: "refusal",
      stop_details: { type: "refusal", category: null },
    })
    const streamed = await client.messages.stream(ask("[[sim: answer=refusal]]")).finalMessage()
    expect(streamed).toMatchObject({ content: [], stop_reason: "refusal" })
    expect(await client.messages.create(ask("[[sim: answer=empty]]"))).toMatchObject({
      content: [],
      stop_reason: "end_turn",
    })
    const short = await client.messages.create({ ...ask("Long"), max_tokens: 5 })
    expect(short).toMatchObject({ stop_reason: "max_tokens", usage: { output_tokens: 5 } })
    const paused = await client.messages.create(ask("[[sim: finish=pause_turn]]"))
    expect(paused.stop_reason).toBe("pause_turn")
  })

  it("counts input tokens without those of the cache", async () => {
    const plain = await client.messages.create(ask("[[sim: cachedTokens=0 cacheWriteTokens=0]]"))
    const { usage } = await client.messages.create(ask("[[sim: cachedTokens=8 cacheWriteTokens=3]]"))
    expect(usage).toMatchObject({ cache_read_input_tokens: 8, cache_creation_input_tokens: 3 })
    expect(usage.input_tokens + 11).toBe(plain.usage.input_tokens)
    const most = await client.messages.create(ask("[[sim: cachedTokens=8 cacheWriteTokens=9999]]"))
    expect(most.usage.input_tokens).toBe(0)
  })

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["no model", { model: undefined }, /^model: Field required/],
    ["no max_tokens", { max_tokens: undefined }, /^max_tokens: Field required/],
    ["no messages", { messages: undefined }, /^messages: Field required/],
    ["no message", { messages: [] }, /at least one message/],
    ["a system role", { messages: [{ role: "system", content: "x" }] }, /Unexpected role "system"/],
    [
      "an unknown role",
      { messages: [{ role: "tool", content: "x" }] },
      /^messages\.0\.role: Input should be/,
    ],
    ["an answer first", { messages: [{ role: "assistant", content: "x" }] }, /first message must use/],
    ["an empty message", { messages: [{ role: "user", content: "" }] }, /non-empty content/],
    [
      "an empty text block",
      { messages: [{ role: "user", content: [{ type: "text", text: "" }] }] },
      /text content blocks must be non-empty/,
    ],
    [
      "OpenAI's image part",
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] },
      /Input tag 'image_url'/,
    ],
    [
      "an image without a source",
      { messages: [{ role: "user", content: [{ type: "image" }] }] },
      /image\.source: Field required/,
    ],
    [
      "a tool input that is a text",
      {
        messages: [
          { role: "user", content: "x" },
          { role: "assistant", content: [{ type: "tool_use", id: "a", name: "b", input: "{}" }] },
        ],
      },
      /tool_use\.input: Input should be a valid dictionary/,
    ],
    [
      "a result without a use",
      { messages: [{ role: "user", content: [{ type: "tool_result", tool_use_id: "a", content: "x" }] }] },
      /unexpected `tool_use_id`/,
    ],
    [
      "a use without a result",
      {
        messages: [
          { role: "user", content: "x" },
          { role: "assistant", content: [{ type: "tool_use", id: "a", name: "b", input: {} }] },
          { role: "user", content: "y" },
        ],
      },
      /`tool_use` ids were found without `tool_result`/,
    ],
    ["OpenAI's penalty", { frequency_penalty: 1 }, /^frequency_penalty: Extra inputs are not permitted/],
    ["a temperature of 1.5", { temperature: 1.5 }, /^temperature: range: 0\.\.1/],
    ["a tool without a schema", { tools: [{ name: "a" }] }, /input_schema: Field required/],
  ])("refuses %s", async (_, change, message) => {
    const response = await post({ ...ask("x"), ...change })
    const body = await response.json()

    expect(response.status).toBe(400)
    expect(body).toMatchObject({ type: "error", error: { type: "invalid_request_error" } })
    expect(body).toMatchObject({ request_id: response.headers.get("request-id") })
    expect((body as { error: { message: string } }).error.message).toMatch(message)
  })

  it("requires a version, and its newest refuses the sampling parameters", async () => {
    const unversioned = await fetch(`${simulator.baseUrls.anthropic}/v1/messages`, {
      method: "POST",
      body: JSON.stringify(ask("x")),
    })
    expect(unversioned.status).toBe(400)
    expect((await post({ ...ask("x"), temperature: 0.5 })).status).toBe(200)
    const newest = await post({ ...ask("x"), temperature: 0.5 }, { "anthropic-version": "2026-10-21" })
    expect(newest.status).toBe(400)
    expect(await newest.text()).toContain("temperature: Extra inputs are not permitted")
  })

  it("sends its limits in the headers and lists models", async () => {
    const response = await post(ask("x"))
    expect(response.headers.get("anthropic-ratelimit-requests-limit")).toBe("4000")
    expect(response.headers.get("anthropic-ratelimit-tokens-reset")).toMatch(/^\d{4}-\d\d-\d\dT[\d:]+Z$/)
    expect((await client.models.list()).data.map((model) => model.id)).toContain("claude-sonnet-5")
  })
})
