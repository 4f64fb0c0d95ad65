import type Anthropic from "@anthropic-ai/sdk"
import { MessageStream } from "@anthropic-ai/sdk/lib/MessageStream.mjs"
import fc from "fast-check"
import { expect, test } from "vitest"
import type { ChatCompletion, ToolCall } from "../../src/core/request.ts"
import { type AnthropicMessage, toMessage } from "../../src/dialects/anthropic-answer.ts"
import { type MessageEvent, MessageEvents } from "../../src/dialects/anthropic-stream.ts"
import { parameters } from "../scale/property.ts"

const REQUEST_ID = "req_0123"
const USAGE = {
  ...{ inputTokens: 12, cachedInputTokens: 2, cacheWriteInputTokens: 0, outputTokens: 7 },
  reasoningTokens: 0,
}

function messageOf(text: string | null, tools: number, thinking: string): AnthropicMessage {
  const tool_calls = Array.from(
    { length: tools },
    (_, i): ToolCall => ({
      ...{ id: `call_${i}`, type: "function" },
      function: { name: "look", arguments: JSON.stringify({ at: [i], deep: { a: "ü" } }) },
    }),
  )
  const message = { role: "assistant" as const, content: text, reasoning_content: thinking, tool_calls }
  const response: ChatCompletion = {
    ...{ id: "x", object: "chat.completion", created: 1, model: "claude-x" },
    choices: [{ index: 0, message, finish_reason: tools > 0 ? "tool_calls" : "stop" }],
    usage: { prompt_tokens: 12, completion_tokens: 7, total_tokens: 19 },
  }
  const answer = toMessage({ requestId: REQUEST_ID, response, usage: USAGE })
  if (answer === null) throw new Error("no answer")
  return answer
}

/** What the official SDK makes of the events. */
async function assembled(events: MessageEvent[]): Promise<Anthropic.Message> {
  const lines = events.map((event) => `${JSON.stringify(event)}\n`).join("")
  const body = new Blob([lines]).stream()
  return MessageStream.fromReadableStream(body).finalMessage()
}

test("however the text comes, the SDK puts together the message that is kept", async () => {
  const cut = fc.tuple(fc.string({ maxLength: 30, unit: "binary" }), fc.array(fc.nat(30), { maxLength: 5 }))
  const shape = fc.tuple(cut, fc.nat(2), fc.constantFrom("", "Hm."))
  await fc.assert(
    fc.asyncProperty(shape, async ([[text, cuts], tools, thinking]) => {
      const message = messageOf(text, tools, thinking)
      const stream = new MessageEvents(REQUEST_ID, "claude-x")
      const at = [0, ...cuts.filter((each) => each < text.length)].sort((a, b) => a - b)
      const pieces = cuts.length === 0 ? [] : at.slice(1).map((end, i) => text.slice(at[i], end))
      const events = pieces.flatMap((piece) => stream.text(piece))
      const order = events.length > 0 ? "text first" : "as kept"
      events.push(...stream.end(message, text.slice(pieces.join("").length)))
      // What the SDK adds by itself.
      const { content, parsed_output, ...rest } = JSON.parse(JSON.stringify(await assembled(events)))
      const { content: kept, ...others } = JSON.parse(JSON.stringify(message))
      expect(rest).toEqual(others)
      const isText = (block: { type: string }) => block.type === "text"
      const expected =
        order === "as kept"
          ? kept
          : [...kept.filter(isText), ...kept.filter((block: { type: string }) => !isText(block))]
      expect(content).toEqual(expected)
    }),
    parameters(50),
  )
})
