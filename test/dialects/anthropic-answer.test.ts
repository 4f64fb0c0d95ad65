import type Anthropic from "@anthropic-ai/sdk"
import { describe, expect, it } from "vitest"
import type { ChatChoice, ChatCompletion } from "../../src/core/request.ts"
import { toMessage } from "../../src/dialects/anthropic-answer.ts"
import { explainEnd, toVendorError } from "../../src/dialects/anthropic-errors.ts"

const requestId = "req_0123"
const usage = {
  ...{ inputTokens: 100, cachedInputTokens: 30, cacheWriteInputTokens: 20, outputTokens: 9 },
  reasoningTokens: 4,
}
const completion = (message: Partial<ChatChoice["message"]>, rest: Partial<ChatChoice> = {}) => ({
  ...{ id: "chatcmpl-1", object: "chat.completion" as const, created: 1, model: "gpt-5" },
  choices: [
    { index: 0, message: { role: "assistant" as const, content: null, ...message }, ...stop, ...rest },
  ],
  usage: { prompt_tokens: 100, completion_tokens: 9, total_tokens: 109 },
})
const stop = { finish_reason: "stop" as const }
const answer = (response: ChatCompletion | null) => toMessage({ requestId, response, usage })

describe("toMessage", () => {
  it("gives every member that the SDK's types promise", () => {
    const call = { id: "call_1", type: "function" as const, function: { name: "f", arguments: '{"a":[1]}' } }
    const response = completion(
      { content: "Let me see.", reasoning_content: "Hm.", tool_calls: [call] },
      { finish_reason: "tool_calls" },
    )
    expect(answer(response)).toEqual({
      ...{ id: "msg_0123", type: "message", role: "assistant", model: "gpt-5" },
      content: [
        { type: "thinking", thinking: "Hm.", signature: "" },
        { type: "text", text: "Let me see.", citations: null },
        { type: "tool_use", id: "call_1", name: "f", input: { a: [1] }, caller: { type: "direct" } },
      ],
      ...{ stop_reason: "tool_use", stop_sequence: null, stop_details: null },
      ...{ container: null, diagnostics: null },
      usage: {
        ...{ input_tokens: 50, cache_read_input_tokens: 30, cache_creation_input_tokens: 20 },
        ...{ output_tokens: 9, output_tokens_details: { thinking_tokens: 4 } },
        ...{ cache_creation: null, server_tool_use: null, service_tier: null, inference_geo: null },
        speed: null,
      },
    } satisfies Anthropic.Message)
  })

  it("gives signed thoughts as they came, so that they can go back", () => {
    const thinking_blocks = [{ type: "redacted_thinking" as const, data: "EmwK" }]
    const message = answer(completion({ content: "", reasoning_content: "x", thinking_blocks }))
    expect(message?.content).toEqual(thinking_blocks)
  })

  it.each<[Partial<ChatChoice>, Partial<ChatChoice["message"]>, string]>([
    [{}, {}, "end_turn"],
    [{ finish_reason: "length" }, {}, "max_tokens"],
    [{ finish_reason: "content_filter" }, {}, "refusal"],
    [{}, { refusal: "No." }, "refusal"],
    [{ stop_sequence: "END" }, {}, "stop_sequence"],
  ])("%j with %j ends as %s", (choice, message, reason) => {
    const told = answer(completion({ content: "So", ...message }, choice))
    expect(told?.stop_reason).toBe(reason)
    expect(told?.stop_sequence).toBe(choice.stop_sequence ?? null)
    expect(told?.stop_details?.explanation ?? undefined).toBe(message.refusal ?? undefined)
  })

  it.each([
    ["", {}],
    ["{oh", { invalid_arguments: "{oh" }],
    ["[1]", { invalid_arguments: "[1]" }],
  ])("arguments %j are the input %j", (text, input) => {
    const call = { id: "c", type: "function" as const, function: { name: "f", arguments: text } }
    expect(answer(completion({ tool_calls: [call] }))?.content).toMatchObject([{ input }])
  })

  it("there is none without an answer", () => {
    expect(answer(null)).toBeNull()
  })
})

describe("a failure", () => {
  const error = { message: "Why.", retryable: false, status: null }
  it.each([
    [{ code: "provider_rejected", status: 400 }, 400, "invalid_request_error"],
    [{ code: "provider_rejected", status: 404 }, 404, "not_found_error"],
    [{ code: "provider_rejected", status: 413 }, 413, "request_too_large"],
    [{ code: "provider_auth", status: 401 }, 502, "api_error"],
    [{ code: "provider_overloaded", status: 529 }, 529, "overloaded_error"],
    [{ code: "provider_rate_limited", status: 429 }, 429, "rate_limit_error"],
    [{ code: "timeout" }, 504, "timeout_error"],
  ] as const)("%j is %i %s", (told, status, type) => {
    expect(toVendorError({ ...error, ...told }, requestId)).toEqual({
      status,
      body: { type: "error", error: { type, message: "Why." }, request_id: requestId },
    })
  })

  it("of a cancelled request says so", () => {
    expect(explainEnd({ state: "cancelled", error: null, requestId })).toMatchObject({ status: 409 })
  })
})
