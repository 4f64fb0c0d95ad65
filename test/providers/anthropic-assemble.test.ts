import { expect, test } from "vitest"
import { MessageAssembly } from "../../src/providers/anthropic-messages/assemble.ts"

const START = { type: "message_start", message: { id: "msg_1", model: "claude-x", content: [], usage: {} } }
const take = (...events: unknown[]) => {
  const assembly = new MessageAssembly("some-model")
  return { assembly, progress: events.map((event) => assembly.take(JSON.stringify(event))) }
}

test("a thought that is shown as its signature alone is content: the model is at work", () => {
  const delta = { type: "signature_delta", signature: "EsEC" }
  expect(take(START, { type: "content_block_delta", index: 0, delta }).progress).toEqual([
    "nothing",
    "content",
  ])
})

test("pings, block starts, block ends and events that do not exist yet are no content", () => {
  const block = { type: "thinking", thinking: "", signature: "" }
  const events = [
    { type: "ping" },
    { type: "content_block_start", index: 0, content_block: block },
    { type: "content_block_stop", index: 0 },
    { type: "something_new", text: "?" },
  ]
  expect(take(...events).progress).toEqual(["nothing", "nothing", "nothing", "nothing"])
})

test("usage is cumulative, and null leaves it as it was", () => {
  const { assembly } = take(
    {
      type: "message_start",
      message: { usage: { input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 1 } },
    },
    { type: "message_delta", delta: {}, usage: { output_tokens: 7, input_tokens: null } },
    { type: "message_delta", delta: {}, usage: { output_tokens: 9, input_tokens: 12 } },
  )
  expect(assembly.usage).toMatchObject({ inputTokens: 17, cachedInputTokens: 5, outputTokens: 9 })
})

test("nothing is known of the usage before the first event", () => {
  expect(take({ type: "ping" }).assembly.usage).toBeNull()
})

test("an error that comes whole, under a 200, is an error", () => {
  const error = {
    type: "error",
    error: { type: "overloaded_error", message: "Overloaded" },
    request_id: "req_1",
  }
  expect(new MessageAssembly("some-model").takeWhole(JSON.stringify(error))).toEqual({
    problem: "overloaded",
    vendorText: "Overloaded",
    requestId: "req_1",
  })
})

test("blocks that the start already holds are part of the answer", () => {
  const message = {
    id: "msg_1",
    content: [{ type: "text", text: "A" }],
    usage: { input_tokens: 3, output_tokens: 1 },
  }
  const { assembly } = take(
    { type: "message_start", message },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "B" } },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } },
  )
  expect(assembly.finish()?.choices[0]?.message.content).toBe("AB")
})

test("the stop that it was, and thoughts as they can go back, are part of the answer", () => {
  const { assembly } = take(
    START,
    {
      type: "content_block_start",
      index: 0,
      content_block: { type: "thinking", thinking: "", signature: "" },
    },
    { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "EsEC" } },
    { type: "content_block_start", index: 1, content_block: { type: "redacted_thinking", data: "EmwK" } },
    { type: "content_block_start", index: 2, content_block: { type: "text", text: "So" } },
    { type: "message_delta", delta: { stop_reason: "stop_sequence", stop_sequence: "END" } },
  )
  expect(assembly.finish()?.choices).toEqual([
    {
      index: 0,
      message: {
        role: "assistant",
        content: "So",
        thinking_blocks: [
          { type: "thinking", thinking: "", signature: "EsEC" },
          { type: "redacted_thinking", data: "EmwK" },
        ],
      },
      stop_sequence: "END",
      finish_reason: "stop",
    },
  ])
})
