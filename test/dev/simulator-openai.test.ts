import OpenAI from "openai"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"

let simulator: Simulator
let client: OpenAI

beforeAll(async () => {
  simulator = await startSimulator({ latencyMs: 0, tokensPerSecond: 0 })
  client = new OpenAI({ apiKey: "sk-test", baseURL: simulator.baseUrls.openai, maxRetries: 0 })
})
afterAll(() => simulator.close())
beforeEach(() => {
  simulator.clearScript()
  simulator.clearCalls()
})

const ask = (content: string): OpenAI.ChatCompletionCreateParamsNonStreaming => ({
  model: "gpt-4o",
  messages: [
    { role: "developer", content: "Be brief." },
    { role: "user", content },
  ],
})
const weather: OpenAI.ChatCompletionTool = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: { type: "object", properties: { city: { type: "string" }, days: { type: "integer" } } },
  },
}

describe("OpenAI's format", () => {
  it("answers in one piece, the same each time, with consistent usage", async () => {
    const first = await client.chat.completions.create(ask("What is ESG?"))
    const second = await client.chat.completions.create(ask("What is ESG?"))

    const text = first.choices[0]?.message.content ?? ""
    expect(text).toMatch(/^Simulated answer from openai\/gpt-4o to: "What is ESG\?"\./)
    expect(text).toHaveLength(160)
    expect(second.choices[0]?.message.content).toBe(text)
    expect(first).toMatchObject({
      object: "chat.completion",
      model: "gpt-4o",
      choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", refusal: null } }],
    })
    const { usage } = first
    expect(usage?.completion_tokens).toBe(40)
    expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + 40)
    expect(first._request_id).toMatch(/^req_sim_openai_/)
  })

  it("streams the same text, and usage only when it is asked for", async () => {
    const whole = await client.chat.completions.create(ask("Stream it"))
    const silent = await client.chat.completions.create({ ...ask("Stream it"), stream: true })
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of silent) chunks.push(chunk)

    expect(chunks.length).toBeGreaterThan(5)
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe(
      whole.choices[0]?.message.content,
    )
    expect(chunks.every((chunk) => chunk.usage === undefined)).toBe(true)
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("stop")

    const counted = client.chat.completions.stream({
      ...ask("Stream it"),
      stream: true,
      stream_options: { include_usage: true },
    })
    expect((await counted.finalChatCompletion()).usage).toMatchObject({ completion_tokens: 40 })
  })

  it("ends a stream with [DONE], after a usage chunk without choices", async () => {
    const response = await fetch(`${simulator.baseUrls.openai}/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ ...ask("Raw"), stream: true, stream_options: { include_usage: true } }),
    })
    const events = (await response.text()).trim().split("\n\n")

    expect(response.headers.get("content-type")).toContain("text/event-stream")
    expect(response.headers.get("x-ratelimit-remaining-requests")).toMatch(/^\d+$/)
    expect(response.headers.get("x-ratelimit-reset-requests")).toBe("6ms")
    expect(events.at(-1)).toBe("data: [DONE]")
    expect(JSON.parse(events.at(-2)?.slice(6) ?? "")).toMatchObject({
      choices: [],
      usage: { completion_tokens: 40 },
    })
    expect(JSON.parse(events[0]?.slice(6) ?? "")).toMatchObject({
      choices: [{ delta: { role: "assistant", content: "" } }],
      usage: null,
    })
  })

  it.each(["max_tokens", "max_completion_tokens"])("is cut short by %s", async (limit) => {
    const { choices, usage } = await client.chat.completions.create({ ...ask("Long"), [limit]: 7 })

    expect(choices[0]?.finish_reason).toBe("length")
    expect(choices[0]?.message.content).toHaveLength(28)
    expect(usage?.completion_tokens).toBe(7)
  })

  it("counts reasoning without showing it, within the limit", async () => {
    const { choices, usage } = await client.chat.completions.create({
      ...ask("Think"),
      model: "gpt-5",
      reasoning_effort: "low",
      max_completion_tokens: 30,
    })

    expect(usage).toMatchObject({
      completion_tokens: 30,
      completion_tokens_details: { reasoning_tokens: 24 },
    })
    expect(choices[0]?.message.content).toHaveLength(24)
    expect(choices[0]?.finish_reason).toBe("length")

    const spent = await client.chat.completions.create({
      ...ask("Think"),
      model: "gpt-5",
      reasoning_effort: "high",
      max_completion_tokens: 10,
    })
    expect(spent).toMatchObject({
      choices: [{ message: { content: "" }, finish_reason: "length" }],
      usage: { completion_tokens: 10, completion_tokens_details: { reasoning_tokens: 10 } },
    })
  })

  it.each([false, true])("calls tools when the script says so (streamed: %s)", async (streamed) => {
    const body = { ...ask("Weather in Oslo [[sim: answer=tool_call toolCalls=2]]"), tools: [weather] }
    const completion = streamed
      ? await client.chat.completions.stream({ ...body, stream: true }).finalChatCompletion()
      : await client.chat.completions.create(body)

    const calls = completion.choices[0]?.message.tool_calls ?? []
    expect(completion.choices[0]?.finish_reason).toBe("tool_calls")
    expect(completion.choices[0]?.message.content).toBeNull()
    expect(calls).toHaveLength(2)
    expect(new Set(calls.map((call) => call.id)).size).toBe(2)
    for (const call of calls) {
      const { name, arguments: args } = call.type === "function" ? call.function : { name: "", arguments: "" }
      expect(name).toBe("get_weather")
      expect(JSON.parse(args)).toEqual({ city: "Weather in Oslo", days: 1 })
    }
  })

  it("calls a tool that the caller insists on, and answers in words to its result", async () => {
    const first = await client.chat.completions.create({
      ...ask("Now"),
      tools: [weather],
      tool_choice: "required",
    })
    const message = first.choices[0]?.message
    const toolCallId = message?.tool_calls?.[0]?.id ?? ""
    expect(toolCallId).not.toBe("")
    const second = await client.chat.completions.create({
      model: "gpt-4o",
      messages: [
        { role: "user", content: "Now" },
        { role: "assistant", tool_calls: message?.tool_calls ?? [] },
        { role: "tool", tool_call_id: toolCallId, content: "12 degrees" },
      ],
      tools: [weather],
    })
    expect(second.choices[0]?.finish_reason).toBe("stop")
  })

  it("refuses, filters, answers nothing and ends as it is told", async () => {
    const answer = async (script: string) =>
      (await client.chat.completions.create(ask(`[[sim: ${script}]]`))).choices[0]

    expect(await answer("answer=refusal")).toMatchObject({
      message: { content: null, refusal: "I'm sorry, but I can't help with that request." },
      finish_reason: "stop",
    })
    expect((await answer("answer=content_filter"))?.finish_reason).toBe("content_filter")
    expect(await answer("answer=empty")).toMatchObject({ message: { content: "" }, finish_reason: "stop" })
    expect((await answer("finish=function_call"))?.finish_reason).toBe("function_call")
    expect((await answer('text="Just this."'))?.message.content).toBe("Just this.")
    const cached = await client.chat.completions.create(ask("[[sim: cachedTokens=5]]"))
    expect(cached.usage?.prompt_tokens_details?.cached_tokens).toBe(5)
  })

  it.each<[string, Record<string, unknown>, string | null, string | null]>([
    ["no model", { model: undefined }, null, null],
    ["no messages", { messages: undefined }, "messages", "missing_required_parameter"],
    ["messages that are none", { messages: "hi" }, "messages", "invalid_type"],
    ["no message", { messages: [] }, "messages", "empty_array"],
    ["an unknown role", { messages: [{ role: "robot", content: "x" }] }, "messages[0].role", "invalid_value"],
    ["no content", { messages: [{ role: "user" }] }, "messages[0].content", "missing_required_parameter"],
    [
      "an unknown part",
      { messages: [{ role: "user", content: [{ type: "image" }] }] },
      "messages[0].content[0].type",
      "invalid_value",
    ],
    [
      "a tool result without a call",
      { messages: [{ role: "tool", tool_call_id: "a", content: "x" }] },
      "messages.[0].role",
      null,
    ],
    [
      "a tool call without a result",
      { messages: [{ role: "assistant", tool_calls: [{ id: "a" }] }] },
      "messages.[1].role",
      null,
    ],
    ["an unknown parameter", { colour: "red" }, "colour", "unknown_parameter"],
    ["a temperature of 3", { temperature: 3 }, "temperature", "invalid_value"],
    ["max_tokens 0", { max_tokens: 0 }, "max_tokens", "integer_below_min_value"],
    [
      "max_tokens for a reasoning model",
      { model: "gpt-5", max_tokens: 9 },
      "max_tokens",
      "unsupported_parameter",
    ],
    ["stream_options without a stream", { stream_options: {} }, "stream_options", null],
    [
      "a tool with a bad name",
      { tools: [{ type: "function", function: { name: "a b" } }] },
      "tools[0].function.name",
      "invalid_value",
    ],
  ])("refuses %s", async (_, change, param, code) => {
    const body = { ...ask("x"), ...change } as OpenAI.ChatCompletionCreateParamsNonStreaming
    const error = await client.chat.completions.create(body).catch((e: unknown) => e)

    expect(error).toBeInstanceOf(OpenAI.BadRequestError)
    expect(error).toMatchObject({ status: 400, type: "invalid_request_error", param, code })
    expect(simulator.calls.at(-1)).toMatchObject({ result: "error", status: 400 })
  })

  it("lists models and answers unknown paths as the vendor does", async () => {
    const ids = (await client.models.list()).data.map((model) => model.id)
    expect(ids).toContain("gpt-4o")
    await expect(client.embeddings.create({ model: "x", input: "y" })).rejects.toBeInstanceOf(
      OpenAI.NotFoundError,
    )
  })
})
