import { describe, expect, it } from "vitest"
import { readChatBody } from "../../src/dialects/openai-chat.ts"
import { rules } from "./rules.ts"

const chat = { model: "gpt-5", messages: [{ role: "user", content: "Hello." }] }
const problemsOf = (value: unknown, at?: string[]) =>
  readChatBody(value, rules, at).problems.map(({ path, message, code }) => [path, message, code])

describe("readChatBody", () => {
  it("makes one request of it; what the queue does not use itself passes through", () => {
    const body = {
      ...{ ...chat, model: "anthropic/claude-sonnet-4-5", temperature: 0.2, top_p: null, user: "u-1", n: 1 },
      ...{
        metadata: { trace: "abc" },
        stream: true,
        stream_options: { include_usage: true },
        unheard_of: [1],
      },
    }
    const { requests, ...wishes } = readChatBody(body, rules)
    expect(wishes).toEqual({ problems: [], stream: true, includeUsage: true })
    expect(requests).toMatchObject([
      {
        head: {
          ...{ provider: "anthropic", model: "claude-sonnet-4-5", organizationId: "org-1" },
          ...{ priority: "high", timeoutMs: 5000, metadata: { trace: "abc" } },
        },
        body: { messages: chat.messages, options: { temperature: 0.2, user: "u-1", unheard_of: [1] } },
      },
    ])
    expect(Object.keys(requests?.[0]?.body.options ?? {})).toEqual(["temperature", "user", "unheard_of"])
  })

  it.each([
    [[], "", "must be an object"],
    [
      { messages: chat.messages },
      "/model",
      "must be the name of a model, such as gpt-5-mini or anthropic/claude-sonnet-4-5",
    ],
    [
      { ...chat, model: 5 },
      "/model",
      "must be the name of a model, such as gpt-5-mini or anthropic/claude-sonnet-4-5",
    ],
    [{ ...chat, model: "x".repeat(129) }, "/model", "must have 1 to 128 characters"],
    [
      { ...chat, model: "auto/x" },
      "/model",
      "must be the name of a route, and there is none: set ROUTES, or name a provider instead of auto",
    ],
    [{ model: "gpt-5" }, "/messages", "is required"],
    [{ ...chat, messages: [{ role: "user" }] }, "/messages/0/content", "is required"],
    [{ ...chat, metadata: { a: 1 } }, "/metadata/a", "must be a string"],
    [{ ...chat, stream: "yes" }, "/stream", "must be true or false"],
    [{ ...chat, stream_options: [] }, "/stream_options", "must be an object"],
    [
      { ...chat, stream_options: { include_usage: 1 } },
      "/stream_options/include_usage",
      "must be true or false",
    ],
    [
      { ...chat, system: "Be brief." },
      "/system",
      'is not allowed here: use a message with the role "system"',
    ],
  ])("%j: %s %s", (value, path, message) => {
    expect(problemsOf(value)).toEqual([[path, message, "invalid_request"]])
    expect(problemsOf(value, ["body"])).toEqual([[`/body${path}`, message, "invalid_request"]])
  })

  it("tells what is not supported, and which provider is missing", () => {
    const notSupported = (more: object) => problemsOf({ ...chat, ...more })
    expect(notSupported({ n: 2 })).toEqual([
      ["/n", "is not supported beyond 1: send several requests", "not_supported"],
    ])
    expect(notSupported({ modalities: ["text", "audio"], audio: {} })).toEqual([
      ["/modalities", "is not supported beyond text", "not_supported"],
    ])
    expect(notSupported({ audio: { voice: "x" } })).toEqual([["/audio", "is not supported", "not_supported"]])
    expect(notSupported({ model: "deepseek/deepseek-chat" })).toEqual([
      ["/model", "is not configured here: set DEEPSEEK_API_KEY, or use another", "provider_not_configured"],
    ])
  })
})
