import { describe, expect, it } from "vitest"
import { toRequestId, toResponse } from "../../src/dialects/openai-response-output.ts"
import { readResponseBody } from "../../src/dialects/openai-responses.ts"
import { REQUEST_ID, rules, statusOf } from "./rules.ts"

const problemsOf = (more: object) =>
  readResponseBody({ model: "gpt-5", input: "Hello.", ...more }, rules).problems.map(
    ({ path, message, code }) => [path, message, code],
  )

describe("readResponseBody", () => {
  it("makes a chat of it", () => {
    const { requests, problems, background } = readResponseBody(
      {
        ...{ model: "anthropic/claude-sonnet-4-5", instructions: "Be brief.", background: true, store: true },
        ...{ max_output_tokens: 50, temperature: 0.5, top_p: null, metadata: { trace: "abc" } },
        reasoning: { effort: "low", summary: null },
        text: { format: { type: "json_schema", name: "a", schema: { type: "object" } }, verbosity: "low" },
        tools: [{ type: "function", name: "add", parameters: { type: "object" }, strict: true }],
        tool_choice: { type: "function", name: "add" },
        input: [
          { role: "user", content: "What is 1 + 2, and 3 + 4?" },
          { type: "reasoning", id: "rs_1", summary: [] },
          { type: "message", role: "assistant", content: [{ type: "output_text", text: "Let me see." }] },
          { type: "function_call", call_id: "c1", name: "add", arguments: "[1,2]" },
          { type: "function_call", call_id: "c2", name: "add", arguments: "[3,4]" },
          { type: "function_call_output", call_id: "c1", output: "3" },
          { type: "function_call_output", call_id: "c2", output: [{ type: "input_text", text: "7" }] },
          { role: "user", content: [{ type: "input_image", image_url: "data:image/png;base64,AA==" }] },
        ],
      },
      rules,
    )
    expect([problems, background]).toEqual([[], true])
    const call = (id: string, given: string) => ({
      ...{ id, type: "function", function: { name: "add", arguments: given } },
    })
    expect(requests).toMatchObject([
      {
        head: {
          provider: "anthropic",
          model: "claude-sonnet-4-5",
          metadata: { trace: "abc" },
          priority: "high",
        },
      },
    ])
    expect(requests?.[0]?.body).toEqual({
      messages: [
        { role: "developer", content: "Be brief." },
        { role: "user", content: "What is 1 + 2, and 3 + 4?" },
        {
          role: "assistant",
          content: [{ type: "text", text: "Let me see." }],
          tool_calls: [call("c1", "[1,2]"), call("c2", "[3,4]")],
        },
        { role: "tool", tool_call_id: "c1", content: "3" },
        { role: "tool", tool_call_id: "c2", content: [{ type: "text", text: "7" }] },
        { role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AA==" } }] },
      ],
      options: {
        ...{ temperature: 0.5, max_completion_tokens: 50, reasoning_effort: "low", verbosity: "low" },
        response_format: { type: "json_schema", json_schema: { name: "a", schema: { type: "object" } } },
        tools: [
          { type: "function", function: { name: "add", parameters: { type: "object" }, strict: true } },
        ],
        tool_choice: { type: "function", function: { name: "add" } },
      },
      providerOptions: {},
    })
  })

  it.each([
    [{ input: undefined }, "/input", "must be a text, or messages and calls, at least one"],
    [{ input: [] }, "/input", "must be a text, or messages and calls, at least one"],
    [{ input: [{ type: "reasoning" }] }, "/input", "must not be empty"],
    [{ instructions: 5 }, "/instructions", "must be a string"],
    [{ instructions: "Be brief.", input: [{ role: "user" }] }, "/input/0/content", "is required"],
    [{ background: "yes" }, "/background", "must be true or false"],
    [{ tools: {} }, "/tools", "must be an array"],
    [{ tools: [null] }, "/tools/0", "must be an object"],
    [
      { text: { format: { type: "xml" } } },
      "/text/format/type",
      'must be "text", "json_object" or "json_schema"',
    ],
    [{ metadata: { a: 1 } }, "/metadata/a", "must be a string"],
    [
      {
        input: [
          { role: "user", content: "x" },
          { type: "function_call", call_id: "", name: "f", arguments: "{}" },
        ],
      },
      "/input/1/call_id",
      "must not be empty",
    ],
    [
      {
        input: [
          { type: "function_call", call_id: "a", name: "f", arguments: "{}" },
          { type: "function_call", call_id: "b", name: "f" },
        ],
      },
      "/input/1/arguments",
      "is required",
    ],
    [
      { input: [{ type: "function_call_output", call_id: "a", output: 1 }] },
      "/input/0/output",
      "must be a string or an array",
    ],
  ])("%j: %s %s", (more, path, message) =>
    expect(problemsOf(more)).toEqual([[path, message, "invalid_request"]]),
  )

  const CHOICES = 'is not supported beyond "auto", "none", "required" and a function'
  const ITEMS = 'must be a message with a role, or have the type "function_call" or "function_call_output"'
  const elsewhere = "is not supported: send the whole conversation as input"
  it.each([
    [{ stream: true }, "/stream", "is not supported here: use POST /v1/chat/completions to stream"],
    [{ previous_response_id: "resp_1" }, "/previous_response_id", elsewhere],
    [{ conversation: "conv_1" }, "/conversation", elsewhere],
    [{ include: ["reasoning.encrypted_content"] }, "/include", "is not supported"],
    [{ truncation: "auto" }, "/truncation", 'is not supported beyond "disabled"'],
    [{ max_tool_calls: 2 }, "/max_tool_calls", "is not supported here"],
    [{ reasoning: { summary: "auto" } }, "/reasoning/summary", "is not supported"],
    [{ tools: [{ type: "web_search" }] }, "/tools/0/type", 'is not supported beyond "function"'],
    [{ tool_choice: { type: "mcp" } }, "/tool_choice", CHOICES],
    [{ input: [{ type: "item_reference", id: "x" }] }, "/input/0", ITEMS],
  ])("%j: %s %s", (more, path, message) => {
    expect(problemsOf(more)[0]).toEqual([path, message, "not_supported"])
  })

  it("takes what means that nothing is wanted", () => {
    expect(
      problemsOf({ stream: false, include: [], truncation: "disabled", conversation: null, tools: [] }),
    ).toEqual([])
  })
})

describe("toResponse", () => {
  it("tells how far it is", () => {
    const statuses = (["scheduled", "pending", "processing", "cancelled"] as const).map((state) =>
      toResponse(statusOf({ state, response: null })),
    )
    expect(statuses).toMatchObject([
      ...[{ status: "queued" }, { status: "queued" }, { status: "in_progress" }, { status: "cancelled" }],
    ])
    const error = { code: "provider_rejected", message: "No.", retryable: false, status: 400 } as const
    expect(toResponse(statusOf({ state: "failed", error }))).toMatchObject({
      ...{ status: "failed", output: [], error: { code: "invalid_prompt", message: "No." } },
    })
  })

  it("has the answer's text, refusal and calls", () => {
    const whole = toResponse(statusOf())
    expect(whole).toMatchObject({
      ...{ id: REQUEST_ID.replace("req_", "resp_"), status: "completed", created_at: 1, completed_at: 2 },
      output: [{ type: "message", content: [{ type: "output_text", text: "Hello." }] }],
      usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
    })
    const tool_calls = [{ id: "c1", type: "function" as const, function: { name: "add", arguments: "[]" } }]
    const called = toResponse(statusOf({}, { message: { role: "assistant", content: null, tool_calls } }))
    expect(called).toMatchObject({
      output: [{ type: "function_call", call_id: "c1", name: "add", arguments: "[]" }],
    })
    const cut = toResponse(statusOf({}, { finish_reason: "length" }))
    expect(cut).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } })
    expect(toRequestId(REQUEST_ID.replace("req_", "resp_"))).toBe(REQUEST_ID)
  })
})
