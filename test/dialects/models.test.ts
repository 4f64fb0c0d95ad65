import { describe, expect, it } from "vitest"
import { parseConfig } from "../../src/core/config.ts"
import { namedModels, resolveModel } from "../../src/dialects/models.ts"

const least = {
  ADMIN_API_KEY: "an-admin-key-for-the-tests",
  UPSTASH_REDIS_REST_URL: "https://store.test",
  UPSTASH_REDIS_REST_TOKEN: "token",
  OPENAI_API_KEY: "a",
  ANTHROPIC_API_KEY: "b",
  CUSTOM_PROVIDERS: '[{"name": "groq", "baseUrl": "https://groq.test/v1", "wireFormat": "openai-chat"}]',
  ROUTES: '{"fast": [{"provider": "openai", "model": "gpt-5-mini"}]}',
}
const read = (variables: Record<string, string>) => parseConfig({ ...least, ...variables })
const settings = (variables: Record<string, string> = {}) => {
  const { config } = read(variables)
  if (config === null) throw new Error("the settings are bad")
  return config
}

describe("resolveModel", () => {
  it.each([
    ["gpt-5", "openai", "gpt-5"],
    ["claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"],
    ["anthropic/claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"],
    ["groq/meta-llama/llama-4", "groq", "meta-llama/llama-4"],
    ["meta-llama/llama-4", "openai", "meta-llama/llama-4"],
    ["fast", "auto", "fast"],
    ["auto/fast", "auto", "fast"],
    ["auto/slow", "auto", "slow"],
    // Not configured: said to be so, rather than asked of OpenAI.
    ["deepseek/deepseek-chat", "deepseek", "deepseek-chat"],
    ["deepseek-chat", "openai", "deepseek-chat"],
    ["ft:gpt-5:acme::1", "openai", "ft:gpt-5:acme::1"],
    ["toString", "openai", "toString"],
    ["", "openai", ""],
  ])("%s leads to %s, %s", (name, provider, model) => {
    expect(resolveModel(name, "openai", settings())).toEqual({ provider, model })
  })

  it("leaves what nothing else says to the vendor whose dialect is spoken", () => {
    expect(resolveModel("some-model", "anthropic", settings())).toMatchObject({ provider: "anthropic" })
    expect(resolveModel("gpt-5", "anthropic", settings())).toMatchObject({ provider: "openai" })
    const DEEPSEEK_API_KEY = "c"
    expect(resolveModel("deepseek-chat", "openai", settings({ DEEPSEEK_API_KEY })).provider).toBe("deepseek")
  })

  it("follows MODELS before all else", () => {
    const MODELS = '{"gpt-5": "groq/meta-llama/llama-4", "fast": "openai/gpt-5", "smart": "auto/fast"}'
    const config = settings({ MODELS })
    expect(resolveModel("gpt-5", "openai", config)).toEqual({ provider: "groq", model: "meta-llama/llama-4" })
    expect(resolveModel("fast", "openai", config)).toEqual({ provider: "openai", model: "gpt-5" })
    expect(resolveModel("smart", "anthropic", config)).toEqual({ provider: "auto", model: "fast" })
    expect(namedModels(config)).toEqual([
      { name: "gpt-5", ownedBy: "groq" },
      { name: "fast", ownedBy: "openai" },
      { name: "smart", ownedBy: "auto" },
    ])
    expect(namedModels(settings())).toEqual([{ name: "fast", ownedBy: "auto" }])
  })
})

describe("MODELS", () => {
  it.each([
    [{ a: "gpt-5" }, "/a must be a provider and a model, such as anthropic/claude-sonnet-4-5"],
    [{ a: "openai/" }, "/a must be a provider and a model, such as anthropic/claude-sonnet-4-5"],
    [{ a: "auto/slow" }, "/a must lead to a route of ROUTES"],
    [
      { a: "deepseek/x" },
      "/a leads to deepseek, which is not configured here: set DEEPSEEK_API_KEY, or use another",
    ],
    [{ "": "openai/gpt-5" }, "/ has a bad name: it must have 1 to 128 characters"],
    [{ a: 1 }, "/a must be a string"],
  ])("%j: %s", (value, message) => {
    expect(read({ MODELS: JSON.stringify(value) }).problems).toEqual([{ variable: "MODELS", message }])
  })
})
