import type Anthropic from "@anthropic-ai/sdk"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parseConfig } from "../../src/core/config.ts"
import { readMessagesBody } from "../../src/dialects/anthropic-messages.ts"
import type { DialectRules } from "../../src/dialects/rules.ts"
import { buildRequest } from "../../src/providers/anthropic-messages/request.ts"
import { parameters } from "../scale/property.ts"
import { anyMessagesBody, asSent } from "./anthropic-bodies.ts"

const { config } = parseConfig({
  ADMIN_API_KEY: "an-admin-key-for-the-tests",
  UPSTASH_REDIS_REST_URL: "https://store.test",
  UPSTASH_REDIS_REST_TOKEN: "token",
  OPENAI_API_KEY: "a",
  ANTHROPIC_API_KEY: "b",
  ROUTES: JSON.stringify({
    claude: [{ provider: "anthropic", model: "claude-sonnet-5" }],
    mixed: [
      { provider: "anthropic", model: "claude-sonnet-5" },
      { provider: "openai", model: "gpt-5" },
    ],
  }),
})
if (config === null) throw new Error("the settings are bad")
const rules: DialectRules = {
  ...{ config, organizationId: "org-1", now: 1_800_000_000_000, newRequestId: () => "req_1" },
  given: { priority: "high", timeoutMs: 5000 },
}
const read = (value: unknown, given = rules.given) => {
  const { requests, problems } = readMessagesBody(value, { ...rules, given })
  if (requests?.[0] === undefined) throw new Error(JSON.stringify(problems))
  return requests[0]
}
const problemsOf = (value: unknown, at?: string[]) =>
  readMessagesBody(value, rules, at).problems.map(({ path, message, code }) => [path, message, code])

const hello: Anthropic.MessageCreateParams = {
  model: "claude-sonnet-5",
  max_tokens: 100,
  messages: [{ role: "user", content: "Hello." }],
}

describe("for a model that Anthropic's format serves", () => {
  it("is sent as it came, whatever of the supported subset it holds", () => {
    fc.assert(
      fc.property(anyMessagesBody, (body) => {
        const { head, body: asked } = read(body)
        const { stream, ...sent } = buildRequest(config, head.model, asked)
        expect(stream).toBe(true)
        expect(sent).toEqual(asSent(body))
      }),
      parameters(300),
    )
  })

  it("takes what the queue knows by itself from elsewhere, and tells whether to stream", () => {
    const { head } = read(hello)
    expect(head).toMatchObject({ provider: "anthropic", model: "claude-sonnet-5", priority: "high" })
    expect(head).toMatchObject({ timeoutMs: 5000, organizationId: "org-1" })
    expect(readMessagesBody({ ...hello, stream: true }, rules).stream).toBe(true)
    expect(readMessagesBody(hello, rules).stream).toBe(false)
  })
})

describe("for other models", () => {
  it("becomes what OpenAI's format has for it", () => {
    const { head, body } = read({
      ...{ model: "gpt-5", max_tokens: 50, temperature: 0.5, stop_sequences: ["END"], top_k: 5 },
      ...{
        metadata: { user_id: "u-1" },
        service_tier: "auto",
        thinking: { type: "enabled", budget_tokens: 9000 },
      },
      system: [{ type: "text", text: "Be terse.", cache_control: { type: "ephemeral" } }],
      tools: [
        {
          name: "look",
          description: "Looks",
          input_schema: { type: "object" },
          cache_control: { type: "ephemeral" },
        },
      ],
      tool_choice: { type: "tool", name: "look", disable_parallel_tool_use: true },
      output_config: { format: { type: "json_schema", schema: { type: "object" } } },
      messages: [
        { role: "user", content: "What do you see?" },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "I have to look.", signature: "abc" },
            { type: "tool_use", id: "toolu_1", name: "look", input: { at: [1, 2] } },
          ],
        },
        {
          role: "user",
          content: [
            {
              type: "tool_result",
              tool_use_id: "toolu_1",
              is_error: true,
              content: [
                { type: "text", text: "This:" },
                { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBO" } },
              ],
            },
            { type: "text", text: "Well?" },
          ],
        },
      ],
    })
    expect(head).toMatchObject({ provider: "openai", model: "gpt-5" })
    expect(body).toEqual({
      options: {
        ...{ max_tokens: 50, temperature: 0.5, stop: ["END"], user: "u-1", reasoning_effort: "medium" },
        tools: [
          {
            type: "function",
            function: { name: "look", description: "Looks", parameters: { type: "object" } },
          },
        ],
        tool_choice: { type: "function", function: { name: "look" } },
        parallel_tool_calls: false,
        response_format: {
          type: "json_schema",
          json_schema: { name: "answer", schema: { type: "object" }, strict: true },
        },
      },
      providerOptions: {},
      messages: [
        { role: "system", content: "Be terse." },
        { role: "user", content: "What do you see?" },
        {
          role: "assistant",
          content: null,
          reasoning_content: "I have to look.",
          tool_calls: [
            { id: "toolu_1", type: "function", function: { name: "look", arguments: '{"at":[1,2]}' } },
          ],
        },
        { role: "tool", tool_call_id: "toolu_1", content: "This:" },
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url: "data:image/png;base64,iVBO" } },
            { type: "text", text: "Well?" },
          ],
        },
      ],
    })
  })

  it.each([
    [{ budget_tokens: 1024, type: "enabled" }, {}, "low"],
    [{ budget_tokens: 30_000, type: "enabled" }, {}, "high"],
    [{ type: "adaptive" }, { effort: "max" }, "xhigh"],
    [{ type: "adaptive" }, {}, undefined],
    [{ type: "disabled" }, { effort: "high" }, undefined],
  ])("thinking %j with %j is an effort of %s", (thinking, output_config, effort) => {
    const { options } = read({ ...hello, model: "gpt-5", thinking, output_config }).body
    expect(options.reasoning_effort).toBe(effort)
  })

  it("all targets of a route count, and the fallbacks", () => {
    const marked = { ...hello, top_k: 5 }
    const fallbacks = [{ provider: "openai", model: "gpt-5" }]
    expect(read({ ...marked, model: "claude" }).body.providerOptions).toEqual({ top_k: 5 })
    expect(read({ ...marked, model: "mixed" }).body.providerOptions).toEqual({})
    expect(read(marked, { fallbacks }).body.providerOptions).toEqual({})
  })
})

describe("what is wrong is told by the body's own paths", () => {
  const turn = (content: unknown) => ({ ...hello, messages: [{ role: "user", content }] })
  const types = 'must be one of "text", "image", "tool_result"'

  it.each([
    [[], "", "must be an object"],
    [{ ...hello, max_tokens: undefined }, "/max_tokens", "is required"],
    [{ ...hello, max_tokens: 0 }, "/max_tokens", "must be a whole number from 1 to 10000000"],
    [{ ...hello, model: "" }, "/model", "must have 1 to 128 characters"],
    [{ ...hello, temperature: "hot" }, "/temperature", "must be a number"],
    [{ ...hello, stream: "yes" }, "/stream", "must be true or false"],
    [{ ...hello, messages: [] }, "/messages", "must not be empty"],
    [{ ...hello, system: [{ type: "image" }] }, "/system/0/type", 'must be "text"'],
    [{ ...hello, n: 2 }, "/n", "is not allowed: one request has one answer"],
    [
      { ...hello, tool_choice: { type: "required" } },
      "/tool_choice/type",
      'must be one of "auto", "any", "none", "tool"',
    ],
    [turn([{ type: "document", source: {} }]), "/messages/0/content/0/type", types],
    [
      turn([{ type: "image", source: { type: "url", url: "file:///x" } }]),
      "/messages/0/content/0/source/url",
      "must be an http(s) URL",
    ],
    [turn([{ type: "tool_result" }]), "/messages/0/content/0/tool_use_id", "is required"],
  ])("%j: %s %s", (body, path, message) => {
    expect(problemsOf(body)).toContainEqual([path, message, "invalid_request"])
  })

  it("where the body stands inside another, its place comes first", () => {
    const body = { ...hello, model: "deepseek-chat", max_tokens: -1 }
    expect(problemsOf(body, ["requests", "3", "params"])[0]?.[0]).toBe("/requests/3/params/max_tokens")
    expect(problemsOf({ ...hello, model: "deepseek/deepseek-chat" }, ["params"])).toEqual([
      [
        "/params/model",
        "is not configured here: set DEEPSEEK_API_KEY, or use another",
        "provider_not_configured",
      ],
    ])
  })

  it("what only Anthropic can do is refused for others, and never silently left out", () => {
    const body = {
      ...{ ...hello, model: "gpt-5", mcp_servers: [{}], container: null },
      tools: [{ type: "web_search_20250305", name: "web_search" }],
    }
    const rule = "works only with models that are served in Anthropic's own format"
    expect(problemsOf(body)).toEqual([
      ["/mcp_servers", rule, "not_supported"],
      ["/tools/0", rule, "not_supported"],
    ])
    const sent = read({ ...body, model: "claude-sonnet-5" })
    expect(sent.body).toMatchObject({
      options: { tools: body.tools },
      providerOptions: { mcp_servers: [{}] },
    })
  })
})
