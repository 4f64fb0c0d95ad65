import OpenAI from "openai"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"

let simulator: Simulator
let client: OpenAI

beforeAll(async () => {
  simulator = await startSimulator({ latencyMs: 0, tokensPerSecond: 0 })
  client = new OpenAI({ apiKey: "sk-test", baseURL: simulator.baseUrls.deepseek, maxRetries: 0 })
})
afterAll(() => simulator.close())

const ask = (content: string, model = "deepseek-chat"): OpenAI.ChatCompletionCreateParamsNonStreaming => ({
  model,
  messages: [{ role: "user", content }],
})

async function post(body: unknown): Promise<Response> {
  return fetch(`${simulator.baseUrls.deepseek}/chat/completions`, {
    method: "POST",
    body: JSON.stringify(body),
  })
}

describe("DeepSeek's format", () => {
  it("tells cache hits and misses, which add up to the prompt", async () => {
    const completion = await client.chat.completions.create(ask("Cached [[sim: cachedTokens=4]]"))
    const usage = completion.usage as unknown as Record<string, number>
    expect(usage.prompt_cache_hit_tokens).toBe(4)
    expect(usage.prompt_tokens).toBe(4 + (usage.prompt_cache_miss_tokens ?? 0))
    expect(completion.choices[0]?.message.content).toMatch(/^Simulated answer from deepseek\/deepseek-chat/)
  })

  it.each(["deepseek-reasoner", "my-thinking-model"])("reasons aloud with %s", async (model) => {
    const whole = await client.chat.completions.create(ask("Why?", model))
    const message = whole.choices[0]?.message as { reasoning_content?: string; content: string }
    expect(message.reasoning_content).toMatch(/^Thinking about: "Why\?"\./)
    expect(whole.usage).toMatchObject({
      completion_tokens: 64,
      completion_tokens_details: { reasoning_tokens: 24 },
    })

    const stream = await client.chat.completions.create({ ...ask("Why?", model), stream: true })
    let reasoning = ""
    let content = ""
    let usage: unknown
    for await (const chunk of stream) {
      const delta = chunk.choices[0]?.delta as { reasoning_content?: string | null; content?: string | null }
      if (delta.reasoning_content) expect(content).toBe("")
      reasoning += delta.reasoning_content ?? ""
      content += delta.content ?? ""
      usage = chunk.usage ?? usage
    }
    expect(reasoning).toBe(message.reasoning_content)
    expect(content).toBe(message.content)
    expect(usage).toEqual(whole.usage)
  })

  it("writes keep-alive comments while a stream waits, blank lines while an answer does", async () => {
    const wait = "[[sim: latencyMs=120 keepAliveMs=20]]"
    const streamed = await (await post({ ...ask(wait), stream: true })).text()
    expect(streamed).toMatch(/^(: keep-alive\n\n){3,}data: /)
    expect(streamed).toMatch(/data: \[DONE\]\n\n$/)
    const whole = await (await post(ask(wait))).text()
    expect(whole).toMatch(/^\n{3,}\{/)
    expect(JSON.parse(whole)).toMatchObject({ object: "chat.completion" })
  })

  it("honours max_tokens alone, and ignores what it does not know", async () => {
    const short = await client.chat.completions.create({ ...ask("Long"), max_tokens: 6 })
    expect(short.choices[0]?.finish_reason).toBe("length")
    const ignored = await client.chat.completions.create({ ...ask("Long"), max_completion_tokens: 6 })
    expect(ignored.choices[0]?.finish_reason).toBe("stop")
  })

  it("may run out of resources, and filters instead of refusing", async () => {
    const finish = async (script: string) =>
      (await client.chat.completions.create(ask(`[[sim: ${script}]]`))).choices[0]?.finish_reason
    expect(await finish("finish=insufficient_system_resource")).toBe("insufficient_system_resource")
    expect(await finish("answer=refusal")).toBe("content_filter")
  })

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["no model", { model: undefined }, /missing field `model`/],
    ["no messages", { messages: undefined }, /missing field `messages`/],
    [
      "the developer role",
      { messages: [{ role: "developer", content: "x" }] },
      /unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool`/,
    ],
    ["no content", { messages: [{ role: "user" }] }, /missing field `content`/],
    [
      "a tool result without a call",
      { messages: [{ role: "tool", tool_call_id: "a", content: "x" }] },
      /tool_calls/,
    ],
    ["max_tokens 0", { max_tokens: 0 }, /max_tokens/],
    ["a temperature of 3", { temperature: 3 }, /temperature/],
  ])("refuses %s", async (_, change, message) => {
    const error = await client.chat.completions
      .create({ ...ask("x"), ...change } as OpenAI.ChatCompletionCreateParamsNonStreaming)
      .catch((e: unknown) => e)
    expect(error).toBeInstanceOf(OpenAI.BadRequestError)
    expect(error).toMatchObject({ code: "invalid_request_error", message: expect.stringMatching(message) })
  })
})
