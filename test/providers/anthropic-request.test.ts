import type Anthropic from "@anthropic-ai/sdk"
import { describe, expect, test } from "vitest"
import type { ChatMessage } from "../../src/core/request.ts"
import { buildRequest } from "../../src/providers/anthropic-messages/request.ts"

type Params = Anthropic.MessageCreateParamsStreaming

const CONFIG = { anthropicDefaultMaxTokens: 4096, anthropicVersion: "2023-06-01" }
const HELLO: ChatMessage[] = [{ role: "user", content: "Hello" }]

const build = (messages: ChatMessage[], options = {}, providerOptions = {}, config = CONFIG) =>
  buildRequest(config, "claude-sonnet-5", { messages, options, providerOptions })
const built = (options: Record<string, unknown>, providerOptions = {}, config = CONFIG) => {
  const { model, messages, stream, ...rest } = build(
    HELLO,
    { max_tokens: 9, ...options },
    providerOptions,
    config,
  )
  const { max_tokens, ...others } = rest
  return others
}
const messagesOf = (messages: ChatMessage[]) => build(messages).messages

test("a whole conversation, as the SDK would send it", () => {
  const request = build(
    [
      { role: "system", content: "Be terse." },
      { role: "developer", content: [{ type: "text", text: "Use metric units." }] },
      {
        role: "user",
        content: [
          { type: "text", text: "What is the weather here?" },
          { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=", detail: "high" } },
          { type: "image_url", image_url: { url: "https://example.com/map.jpg" } },
        ],
      },
      {
        role: "assistant",
        content: "Let me check.",
        reasoning_content: "Two cities.",
        tool_calls: [
          { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Oslo"}' } },
          { id: "call_2", type: "function", function: { name: "weather", arguments: "" } },
        ],
      },
      { role: "tool", tool_call_id: "call_1", content: "4 °C" },
      { role: "tool", tool_call_id: "call_2", content: [{ type: "text", text: "no city" }] },
      { role: "user", content: "And tomorrow?" },
    ],
    {
      max_tokens: 500,
      temperature: 0.2,
      top_p: 0.9,
      stop: ["END"],
      user: "u-1",
      tools: [
        {
          type: "function",
          function: {
            name: "weather",
            description: "Looks it up",
            parameters: { type: "object", properties: { city: { type: "string" } } },
            strict: true,
          },
        },
        { type: "function", function: { name: "now" } },
      ],
      tool_choice: "auto",
      parallel_tool_calls: false,
    },
    { top_k: 40 },
  )
  expect(request).toEqual({
    model: "claude-sonnet-5",
    system: [
      { type: "text", text: "Be terse." },
      { type: "text", text: "Use metric units." },
    ],
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "What is the weather here?" },
          { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" } },
          { type: "image", source: { type: "url", url: "https://example.com/map.jpg" } },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "text", text: "Let me check." },
          { type: "tool_use", id: "call_1", name: "weather", input: { city: "Oslo" } },
          { type: "tool_use", id: "call_2", name: "weather", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "call_1", content: "4 °C" },
          { type: "tool_result", tool_use_id: "call_2", content: [{ type: "text", text: "no city" }] },
          { type: "text", text: "And tomorrow?" },
        ],
      },
    ],
    max_tokens: 500,
    stop_sequences: ["END"],
    metadata: { user_id: "u-1" },
    tools: [
      {
        name: "weather",
        description: "Looks it up",
        input_schema: { type: "object", properties: { city: { type: "string" } } },
        strict: true,
      },
      { name: "now", input_schema: { type: "object", properties: {} } },
    ],
    tool_choice: { type: "auto", disable_parallel_tool_use: true },
    stream: true,
    // Gone from the SDK's types with the version that refuses them.
    ...{ temperature: 0.2, top_p: 0.9, top_k: 40 },
  } satisfies Params)
})

describe("messages", () => {
  test("empty text is left out, an empty turn altogether", () => {
    const call = { id: "c", type: "function" as const, function: { name: "f", arguments: "{}" } }
    expect(
      messagesOf([
        ...HELLO,
        { role: "assistant", content: "" },
        { role: "user", content: "Again" },
        { role: "assistant", content: "", tool_calls: [call] },
        { role: "tool", tool_call_id: "c", content: "" },
      ]),
    ).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "Hello" },
          { type: "text", text: "Again" },
        ],
      },
      { role: "assistant", content: [{ type: "tool_use", id: "c", name: "f", input: {} }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "c" }] },
    ])
  })

  test.each<[string, Record<string, unknown>]>([
    ['{"a": 1}', { a: 1 }],
    ["", {}],
    ["{not json", { invalid_arguments: "{not json" }],
    ["[1]", { invalid_arguments: "[1]" }],
    ["null", { invalid_arguments: "null" }],
  ])("tool arguments %s become %j", (text, input) => {
    const call = { id: "c", type: "function" as const, function: { name: "f", arguments: text } }
    expect(messagesOf([...HELLO, { role: "assistant", tool_calls: [call] }])).toMatchObject([
      {},
      { content: [{ type: "tool_use", input }] },
    ])
  })

  test("an id that Anthropic refuses changes alike in call and result", () => {
    const id = "functions.get_weather:0"
    const call = { id, type: "function" as const, function: { name: "f", arguments: "" } }
    expect(
      messagesOf([
        ...HELLO,
        { role: "assistant", tool_calls: [call] },
        { role: "tool", tool_call_id: id, content: "4" },
      ]),
    ).toMatchObject([
      {},
      { content: [{ id: "functions_get_weather_0" }] },
      { content: [{ tool_use_id: "functions_get_weather_0" }] },
    ])
  })

  test.each([
    [
      "data:image/jpeg;charset=x;base64,/9j/4A==",
      { type: "base64", media_type: "image/jpeg", data: "/9j/4A==" },
    ],
    ["data:image/svg+xml,%3Csvg%3E", { type: "url", url: "data:image/svg+xml,%3Csvg%3E" }],
    ["https://a.example/b.png?x=1,2", { type: "url", url: "https://a.example/b.png?x=1,2" }],
  ])("the image %s", (url, source) => {
    const content = [{ type: "image_url" as const, image_url: { url } }]
    expect(messagesOf([{ role: "user", content }])).toEqual([
      { role: "user", content: [{ type: "image", source }] },
    ])
  })
})

describe("options", () => {
  test.each<[Record<string, unknown>, Record<string, unknown>]>([
    [{ stop: "END" }, { stop_sequences: ["END"] }],
    [{ temperature: 1.7 }, { temperature: 1 }],
    [{ temperature: null, top_p: null, stop: null, tools: null, user: null }, {}],
    [{ safety_identifier: "u-2" }, { metadata: { user_id: "u-2" } }],
    [{ metadata: { trace: "abc" } }, {}],
    [{ metadata: { user_id: "u-3" } }, { metadata: { user_id: "u-3" } }],
    [{ service_tier: "default" }, { service_tier: "standard_only" }],
    [{ service_tier: "auto" }, { service_tier: "auto" }],
    [{ service_tier: "flex" }, {}],
    [
      {
        frequency_penalty: 1,
        presence_penalty: 1,
        seed: 1,
        logprobs: true,
        logit_bias: {},
        verbosity: "low",
      },
      {},
    ],
    [
      { some_future_option: { a: 1 }, top_k: 5 },
      { some_future_option: { a: 1 }, top_k: 5 },
    ],
    [{ thinking: { type: "disabled" } }, { thinking: { type: "disabled" } }],
    [{ reasoning_effort: "none" }, { thinking: { type: "disabled" } }],
    [
      { reasoning_effort: "minimal", temperature: 0.5, top_p: 0.5 },
      { thinking: { type: "adaptive" }, output_config: { effort: "low" } },
    ],
    [{ reasoning_effort: "xhigh" }, { thinking: { type: "adaptive" }, output_config: { effort: "xhigh" } }],
    [
      { response_format: { type: "json_schema", json_schema: { name: "x", schema: { type: "object" } } } },
      { output_config: { format: { type: "json_schema", schema: { type: "object" } } } },
    ],
    [
      { response_format: { type: "json_object" } },
      { system: "Answer with one JSON object and nothing else." },
    ],
    [{ response_format: { type: "text" } }, {}],
    [{ tool_choice: "auto", parallel_tool_calls: false }, {}],
  ])("%j becomes %j", (options, expected) => {
    expect(built(options)).toEqual(expected)
  })

  test.each<[Record<string, unknown>, unknown]>([
    [{}, undefined],
    [{ tool_choice: "none", parallel_tool_calls: false }, { type: "none" }],
    [{ tool_choice: "required" }, { type: "any" }],
    [{ tool_choice: { type: "function", function: { name: "f" } } }, { type: "tool", name: "f" }],
    [{ tool_choice: { type: "tool", name: "f" } }, { type: "tool", name: "f" }],
    [{ parallel_tool_calls: true }, undefined],
    [{ parallel_tool_calls: false }, { type: "auto", disable_parallel_tool_use: true }],
    [
      { tool_choice: "required", parallel_tool_calls: false },
      { type: "any", disable_parallel_tool_use: true },
    ],
  ])("with tools, %j chooses %j", (options, expected) => {
    const tools = [{ type: "web_search_20250305", name: "web_search" }]
    const request = built({ tools, ...options })
    expect(request.tools).toEqual(tools)
    expect(request.tool_choice).toEqual(expected)
  })

  test.each<[Record<string, unknown>, number]>([
    [{}, 4096],
    [{ max_tokens: 10 }, 10],
    [{ max_tokens: 10, max_completion_tokens: 20 }, 20],
    [{ max_tokens: null }, 4096],
  ])("%j sets max_tokens to %d", (options, expected) => {
    expect(build(HELLO, options).max_tokens).toBe(expected)
  })

  test("effort and format share one output_config", () => {
    const format = { type: "json_schema", json_schema: { schema: { type: "object" } } }
    expect(built({ reasoning_effort: "low", response_format: format }).output_config).toEqual({
      effort: "low",
      format: { type: "json_schema", schema: { type: "object" } },
    })
  })

  test("the version that refuses sampling options is sent none", () => {
    const config = { ...CONFIG, anthropicVersion: "2026-10-21" }
    expect(built({ temperature: 0.5, top_p: 0.5 }, {}, config)).toEqual({})
  })

  test("Anthropic's own options win over the neutral ones, but not over what the queue relies on", () => {
    const own = {
      temperature: 0,
      thinking: { type: "enabled", budget_tokens: 2048 },
      stream: false,
      messages: [],
    }
    const request = build(HELLO, { temperature: 1, reasoning_effort: "high" }, own)
    expect(request).toMatchObject({ temperature: 0, thinking: own.thinking, stream: true })
    expect(request.messages).toHaveLength(1)
  })
})
