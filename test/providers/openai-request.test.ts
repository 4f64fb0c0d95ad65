import type OpenAI from "openai"
import { expect, test } from "vitest"
import type { ChatMessage } from "../../src/core/request.ts"
import { dialectOf } from "../../src/providers/openai-chat/dialects.ts"
import { buildRequest } from "../../src/providers/openai-chat/request.ts"

type Params = OpenAI.ChatCompletionCreateParamsStreaming

const MESSAGES: ChatMessage[] = [
  { role: "developer", content: "Be terse." },
  {
    role: "user",
    content: [
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url: "https://example.com/a.png", detail: "low" } },
    ],
  },
  {
    role: "assistant",
    content: null,
    reasoning_content: "I should look.",
    thinking_blocks: [{ type: "thinking", thinking: "I should look.", signature: "EsEC" }],
    tool_calls: [{ id: "call_1", type: "function", function: { name: "look", arguments: "{" } }],
  },
  { role: "tool", tool_call_id: "call_1", content: "a cat" },
]

const build = (provider: string, options = {}, providerOptions = {}) =>
  buildRequest(dialectOf(provider), "some-model", { messages: MESSAGES, options, providerOptions })

test("OpenAI takes the neutral request, but for reasoning that came from elsewhere", () => {
  const options = {
    temperature: 0.2,
    tool_choice: "auto",
    parallel_tool_calls: false,
    some_future_option: [1],
  }
  expect(build("openai", options, { store: false })).toEqual({
    model: "some-model",
    messages: [
      { role: "developer", content: "Be terse." },
      {
        role: "user",
        content: [
          { type: "text", text: "What is this?" },
          { type: "image_url", image_url: { url: "https://example.com/a.png", detail: "low" } },
        ],
      },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "call_1", type: "function", function: { name: "look", arguments: "{" } }],
      },
      { role: "tool", tool_call_id: "call_1", content: "a cat" },
    ],
    temperature: 0.2,
    tool_choice: "auto",
    parallel_tool_calls: false,
    store: false,
    stream: true,
    stream_options: { include_usage: true },
    ...{ some_future_option: [1] },
  } satisfies Params)
})

test.each([
  ["openai", { max_tokens: 5 }, { max_completion_tokens: 5 }],
  ["openai", { max_completion_tokens: 7, max_tokens: 5 }, { max_completion_tokens: 7 }],
  ["deepseek", { max_completion_tokens: 5 }, { max_tokens: 5 }],
  ["deepseek", { max_tokens: 5 }, { max_tokens: 5 }],
  ["vllm-frankfurt", { max_tokens: 5 }, { max_tokens: 5 }],
  ["vllm-frankfurt", { max_completion_tokens: 5 }, { max_completion_tokens: 5 }],
])("%s: %j is sent as %j", (provider, options, expected) => {
  const { model, messages, stream, stream_options, ...rest } = build(provider, options)
  expect(rest).toEqual(expected)
})

test.each(["deepseek", "vllm-frankfurt"])(
  "%s knows no developer, and gets its reasoning back",
  (provider) => {
    expect(build(provider)).toMatchObject({
      messages: [
        { role: "system", content: "Be terse." },
        { role: "user" },
        { role: "assistant", reasoning_content: "I should look." },
        { role: "tool" },
      ],
    })
    expect(JSON.stringify(build(provider))).not.toContain("EsEC")
  },
)

test("the vendor's own options win over the neutral ones, but not over what the queue relies on", () => {
  const request = build(
    "deepseek",
    { temperature: 1 },
    { temperature: 0, thinking: { type: "disabled" }, stream: false, model: "x", messages: [] },
  )
  expect(request).toMatchObject({
    temperature: 0,
    thinking: { type: "disabled" },
    stream: true,
    model: "some-model",
  })
  expect(request.messages).toHaveLength(4)
})
