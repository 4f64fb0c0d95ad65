import { describe, expect, test } from "vitest"
import { ChatAssembly } from "../../src/providers/openai-chat/assemble.ts"
import { explainError, explainStreamError } from "../../src/providers/openai-chat/errors.ts"

const take = (...chunks: unknown[]): ChatAssembly => {
  const assembly = new ChatAssembly("some-model")
  for (const chunk of chunks) assembly.take(JSON.stringify(chunk))
  return assembly
}

describe("usage", () => {
  const NONE = {
    inputTokens: 9,
    cachedInputTokens: 0,
    cacheWriteInputTokens: 0,
    outputTokens: 4,
    reasoningTokens: 0,
  }
  test.each<[string, Record<string, unknown>, Partial<typeof NONE>]>([
    ["none of the details", {}, {}],
    ["details that are null", { prompt_tokens_details: null, completion_tokens_details: null }, {}],
    ["OpenAI's cached tokens", { prompt_tokens_details: { cached_tokens: 3 } }, { cachedInputTokens: 3 }],
    ["DeepSeek's cached tokens", { prompt_cache_hit_tokens: 5 }, { cachedInputTokens: 5 }],
    [
      "written to the cache",
      { prompt_tokens_details: { cache_write_tokens: 2, cached_tokens: 1 } },
      { cacheWriteInputTokens: 2, cachedInputTokens: 1 },
    ],
    [
      "figures that are none",
      { prompt_tokens: "9", completion_tokens: -1 },
      { inputTokens: 0, outputTokens: 0 },
    ],
  ])("%s", (_, rest, expected) => {
    const usage = { prompt_tokens: 9, completion_tokens: 4, ...rest }
    expect(take({ choices: [], usage }).usage).toEqual({ ...NONE, ...expected })
  })
})

test("log probabilities count towards the size, or they could fill the memory", () => {
  const content = [{ token: "x".repeat(1000), logprob: -1 }]
  expect(take({ choices: [{ delta: { content: "x" }, logprobs: { content } }] }).size).toBeGreaterThan(1000)
})

describe("tool calls that arrive", () => {
  const call = (id: string | undefined, text: string, index?: number) => ({
    choices: [
      { delta: { tool_calls: [{ index, id, function: { name: id && `f-${id}`, arguments: text } }] } },
    ],
  })
  const first = { id: "a", type: "function", function: { name: "f-a", arguments: "{}" } }
  const second = { id: "b", type: "function", function: { name: "f-b", arguments: "[]" } }
  test.each<[string, unknown[]]>([
    [
      "in pieces, interleaved",
      [call("a", "{", 0), call("b", "[", 1), call(undefined, "}", 0), call(undefined, "]", 1)],
    ],
    ["with indexes from 1", [call("a", "{}", 1), call("b", "[]", 2)]],
    ["with far indexes", [call("a", "{}", 7), call("b", "[]", 4_000_000_000)]],
    ["whole, all with index 0", [call("a", "{}", 0), call("b", "[]", 0)]],
    [
      "in pieces without an index",
      [call("a", "{"), call(undefined, "}"), call("b", "["), call(undefined, "]")],
    ],
    [
      "with their id in each piece",
      [call("a", "{", 0), call("a", "}", 0), call("b", "[", 1), call("b", "]", 1)],
    ],
  ])("%s", (_, chunks) => {
    const response = take(...chunks, { choices: [{ delta: {}, finish_reason: "tool_calls" }] }).finish()
    expect(response?.choices[0]?.message.tool_calls).toEqual([first, second])
  })

  test("without an id, they get one", () => {
    const response = take(call(undefined, "{}", 0), { choices: [{ finish_reason: "tool_calls" }] }).finish()
    expect(response?.choices[0]?.message.tool_calls?.[0]?.id).toBe("call_0")
  })
})

test("several choices are kept in their order", () => {
  const choice = (index: number, content: string) => ({ index, delta: { content }, finish_reason: "stop" })
  const response = take({ choices: [choice(1, "b")] }, { choices: [choice(0, "a")] }).finish()
  expect(response?.choices.map(({ index, message }) => [index, message.content])).toEqual([
    [0, "a"],
    [1, "b"],
  ])
})

test.each<[Record<string, unknown>, string]>([
  [{ code: 503, message: "upstream" }, "unavailable"],
  [{ code: "502" }, "unavailable"],
  [{ code: 401 }, "auth"],
  [{ code: "invalid_api_key", type: "invalid_request_error" }, "auth"],
  [{ type: "invalid_request_error" }, "rejected"],
  [{ code: "context_length_exceeded" }, "rejected"],
  [{ code: "rate_limit_exceeded", type: "tokens" }, "rate_limited"],
  [{ type: "insufficient_quota", code: null }, "quota"],
  [{ type: "overloaded_error" }, "overloaded"],
  [{ code: "server_is_overloaded" }, "overloaded"],
  [{ message: "who knows" }, "unavailable"],
])("an error in the stream, %j, is %s", (error, problem) => {
  expect(explainStreamError({ error })?.problem).toBe(problem)
})

test.each([{}, { error: null }])("%j is no error", (chunk) => {
  expect(explainStreamError(chunk)).toBeNull()
})

test("an error body whose parts have other types is still read", () => {
  const report = explainError(418, JSON.stringify({ error: { message: ["a"], type: {}, code: [] } }))
  expect(report).toEqual({ problem: "rejected", vendorText: "", requestId: null })
})
