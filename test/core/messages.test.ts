import { describe, expect, it } from "vitest"
import { readMessages } from "../../src/core/contracts/messages.ts"

const text = (value: string) => ({ type: "text", text: value })
const image = (url: string, more = {}) => ({ type: "image_url", image_url: { url, ...more } })
const call = { id: "call_1", type: "function", function: { name: "look", arguments: "{}" } }

function problemsOf(message: unknown): [string, string][] {
  const { problems } = readMessages([message], ["messages"], 100)
  return problems.map(({ path, message }) => [path.replace("/messages/0", ""), message])
}

describe("messages that are taken as they are", () => {
  it.each([
    [{ role: "system", content: "Be brief." }],
    [{ role: "developer", content: [text("Be brief.")] }],
    [{ role: "user", content: "" }],
    [{ role: "user", name: "ada", content: [text("See"), image("https://x.test/a.png", { detail: "low" })] }],
    [{ role: "user", content: [image("data:image/png;base64,AAAA")] }],
    [{ role: "user", content: [{ ...text("Long."), cache_control: { type: "ephemeral" } }] }],
    [{ role: "assistant", content: "Hello." }],
    [{ role: "assistant", content: null, tool_calls: [call] }],
    [{ role: "assistant", tool_calls: [call, { ...call, id: "call_2" }] }],
    [{ role: "assistant", content: "Hm.", reasoning_content: "Thinking." }],
    // As OpenAI itself answers: such a message is sent back as history.
    [{ role: "assistant", content: "Hello.", refusal: null, annotations: [], audio: null }],
    [{ role: "assistant", content: null, refusal: "No." }],
    [{ role: "tool", tool_call_id: "call_1", content: "42" }],
    [{ role: "tool", tool_call_id: "call_1", content: [text("42"), image("https://x.test/a.png")] }],
  ])("%j", (message) => {
    expect(readMessages([message], ["messages"], 100)).toEqual({ messages: [message], problems: [] })
  })
})

describe("messages that are refused", () => {
  const roles = 'must be one of "system", "developer", "user", "assistant", "tool"'
  it.each([
    ["Hi.", [["", "must be an object"]]],
    [null, [["", "must be an object"]]],
    [{}, [["/role", roles]]],
    [{ role: "function", name: "f", content: "x" }, [["/role", roles]]],
    [{ role: "user" }, [["/content", "is required"]]],
    [{ role: "user", content: 7 }, [["/content", "must be a string or an array"]]],
    [{ role: "user", content: null }, [["/content", "must be a string or an array"]]],
    [{ role: "user", content: [] }, [["/content", "must not be empty"]]],
    [{ role: "user", content: ["Hi."] }, [["/content/0", "must be an object"]]],
    [{ role: "user", content: [{ type: "text" }] }, [["/content/0/text", "is required"]]],
    [
      { role: "user", content: [{ type: "input_audio", input_audio: {} }] },
      [["/content/0/type", 'must be one of "text", "image_url"']],
    ],
    [
      { role: "user", content: [image("ftp://x")] },
      [["/content/0/image_url/url", "must be an http(s) or a data URL"]],
    ],
    [{ role: "user", content: "x", name: 7 }, [["/name", "must be a string"]]],
    [{ role: "system", content: [image("https://x.test/a.png")] }, [["/content/0/type", 'must be "text"']]],
    [{ role: "assistant" }, [["/content", "is required where there are no tool_calls"]]],
    [{ role: "assistant", content: null }, [["/content", "is required where there are no tool_calls"]]],
    [{ role: "assistant", tool_calls: [] }, [["/tool_calls", "must not be empty"]]],
    [
      { role: "assistant", tool_calls: [{ id: "", type: "custom", function: { name: "f", arguments: {} } }] },
      [
        ["/tool_calls/0/id", "must not be empty"],
        ["/tool_calls/0/type", 'must be "function"'],
        ["/tool_calls/0/function/arguments", "must be a string"],
      ],
    ],
    [{ role: "tool", content: "42" }, [["/tool_call_id", "is required"]]],
  ])("%j", (message, expected) => {
    expect(problemsOf(message)).toEqual(expected)
  })

  it("with the index of each", () => {
    const { problems } = readMessages(
      [{ role: "user", content: "a" }, {}, { role: "user" }],
      ["requests", 3, "messages"],
      100,
    )
    expect(problems.map(({ path }) => path)).toEqual([
      "/requests/3/messages/1/role",
      "/requests/3/messages/2/content",
    ])
  })
})
