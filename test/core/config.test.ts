import { describe, expect, it } from "vitest"
import { parseConfig } from "../../src/core/config.ts"

const least = {
  ADMIN_API_KEY: "an-admin-key-for-the-tests",
  UPSTASH_REDIS_REST_URL: "https://store.test",
  UPSTASH_REDIS_REST_TOKEN: "token",
  OPENAI_API_KEY: "a",
  ANTHROPIC_API_KEY: "b",
}

function settings(variables: Record<string, string>) {
  const { config, problems } = parseConfig({ ...least, ...variables })
  expect(problems).toEqual([])
  if (config === null) throw new Error("the settings are bad")
  return config
}

/** Of a JSON setting. */
function problemsOf(variable: string, value: unknown) {
  const text = typeof value === "string" ? value : JSON.stringify(value)
  const { config, problems } = parseConfig({ ...least, [variable]: text })
  expect(config === null).toBe(problems.length > 0)
  for (const problem of problems) expect(problem.variable).toBe(variable)
  return problems.map(({ message }) => message)
}

describe("lanes and shares", () => {
  it("have defaults and bounds", () => {
    expect(settings({})).toMatchObject({ drainLanes: 4, fairShareMs: 4, limits: {}, routes: {} })
    expect(settings({ DRAIN_LANES: "0", FAIR_SHARE_MS: "0" })).toMatchObject({
      drainLanes: 0,
      fairShareMs: 0,
    })
    expect(problemsOf("DRAIN_LANES", "65")).toEqual(["must be a whole number from 0 to 64"])
    expect(problemsOf("FAIR_SHARE_MS", "1.5")).toEqual(["must be a whole number from 0 to 1000"])
  })
})

describe("PROVIDER_LIMITS", () => {
  it("are complete once they are read: null where nothing is said", () => {
    const PROVIDER_LIMITS = JSON.stringify({
      openai: { concurrency: 100, rpm: 600, tpm: 90_000, models: { "gpt-5": { rpm: 60 }, "a/b c": {} } },
      anthropic: { tpm: null },
      deepseek: {},
    })
    const none = { concurrency: null, rpm: null, tpm: null }
    expect(settings({ PROVIDER_LIMITS }).limits).toEqual({
      openai: {
        ...{ concurrency: 100, rpm: 600, tpm: 90_000 },
        models: { "gpt-5": { ...none, rpm: 60 }, "a/b c": none },
      },
      anthropic: { ...none, models: {} },
      // Of a vendor that has no key yet.
      deepseek: { ...none, models: {} },
    })
  })

  it("may be of a custom provider", () => {
    const CUSTOM_PROVIDERS =
      '[{"name": "groq", "baseUrl": "https://groq.test/v1", "wireFormat": "openai-chat"}]'
    const { limits } = settings({ CUSTOM_PROVIDERS, PROVIDER_LIMITS: '{"groq": {"concurrency": 2}}' })
    expect(limits.groq?.concurrency).toBe(2)
  })

  const range = "must be a whole number from 1 to 10000000"
  it.each([
    [{ acme: {} }, "/acme is not configured here: add it to CUSTOM_PROVIDERS, or use another"],
    [{ openai: { rps: 1 } }, "/openai/rps is not known here"],
    [{ openai: { rpm: 0 } }, `/openai/rpm ${range}`],
    [{ openai: { tpm: -1 } }, `/openai/tpm ${range}`],
    [{ openai: { concurrency: 1.5 } }, `/openai/concurrency ${range}`],
    [{ openai: { rpm: 10_000_001 } }, `/openai/rpm ${range}`],
    [{ openai: { rpm: "60" } }, "/openai/rpm must be a whole number"],
    [{ openai: { models: { "gpt-5": { rpm: 0 } } } }, `/openai/models/gpt-5/rpm ${range}`],
    [{ openai: { models: { "": {} } } }, "/openai/models/ has a bad name: it must have 1 to 128 characters"],
    [{ openai: 100 }, "/openai must be an object"],
  ])("%j: %s", (value, message) => expect(problemsOf("PROVIDER_LIMITS", value)).toEqual([message]))

  it.each(["{", "[]", '"600"'])("%s: shows what it should be like", (text) => {
    expect(problemsOf("PROVIDER_LIMITS", text)).toEqual([expect.stringContaining('such as {"openai": {')])
  })
})

describe("ALERTS", () => {
  const url = "https://example.com/alerts"

  it("have defaults where a rule is named, and ring by no other", () => {
    const rules = { backlog_age: {}, failure_rate: { percent: 50 }, breaker_open: {}, no_drain: {} }
    expect(settings({ ALERTS: JSON.stringify({ url, rules }) }).alerts).toEqual({
      ...{ url, remindHours: 4 },
      rules: {
        ...{ backlog_age: { seconds: 600 }, failure_rate: { percent: 50, attempts: 20 } },
        ...{ breaker_open: {}, no_drain: { seconds: 180 } },
      },
    })
    expect(settings({ ALERTS: "{}" }).alerts).toEqual({ url: null, rules: {}, remindHours: 4 })
    expect(settings({}).alerts).toBe(null)
  })

  it.each([
    [{ url: "http://example.com" }, "/url must be an https URL"],
    [{ url: "https://localhost/" }, expect.stringContaining("/url must lead to a public host")],
    [{ url, rules: { flood: {} } }, "/rules/flood is not known here"],
    [{ url, rules: { breaker_open: true } }, "/rules/breaker_open must be an object"],
    [
      { url, rules: { command_budget: { percent: 0 } } },
      "/rules/command_budget/percent must be a whole number from 1 to 1000",
    ],
    [{ url, remindHours: 169 }, "/remindHours must be a whole number from 0 to 168"],
  ])("%j: %s", (value, message) => expect(problemsOf("ALERTS", value)).toEqual([message]))
})

describe("ROUTES", () => {
  const target = { provider: "openai", model: "gpt-5" }

  it("have weights, 1 where nothing is said", () => {
    const ROUTES = JSON.stringify({
      fast: [
        { ...target, weight: 1000 },
        { provider: "anthropic", model: "claude-haiku-4-5" },
      ],
      "eu.2_b-c": [target],
    })
    expect(settings({ ROUTES }).routes).toEqual({
      fast: [
        { ...target, weight: 1000 },
        { provider: "anthropic", model: "claude-haiku-4-5", weight: 1 },
      ],
      "eu.2_b-c": [{ ...target, weight: 1 }],
    })
  })

  it("may lead to simulated providers", () => {
    const ROUTES = JSON.stringify({ fast: [{ ...target, provider: "deepseek" }] })
    expect(
      settings({ ROUTES, ALLOW_SIMULATOR: "1", SIMULATOR_URL: "http://s.test" }).routes.fast,
    ).toHaveLength(1)
  })

  const weight = "must be a whole number from 1 to 1000"
  it.each([
    [{ fast: [] }, "/fast must not be empty"],
    [{ fast: Array.from("123456789", (model) => ({ ...target, model })) }, "/fast must be at most 8 entries"],
    [{ fast: [{ ...target, weight: 0 }] }, `/fast/0/weight ${weight}`],
    [{ fast: [{ ...target, weight: 1001 }] }, `/fast/0/weight ${weight}`],
    [{ fast: [{ ...target, weight: 0.5 }] }, `/fast/0/weight ${weight}`],
    [{ fast: [target, { provider: "openai" }] }, "/fast/1/model is required"],
    [{ fast: [{ ...target, wieght: 1 }] }, "/fast/0/wieght is not known here"],
    [
      { fast: [target, { ...target, provider: "deepseek" }] },
      "/fast/1/provider is not configured here: set DEEPSEEK_API_KEY, or use another",
    ],
    [
      { fast: [{ ...target, provider: "acme" }] },
      "/fast/0/provider is not configured here: add it to CUSTOM_PROVIDERS, or use another",
    ],
    [{ fast: [target, target] }, "/fast/1 repeats an earlier target: add to that one's weight"],
    [{ fast: target }, "/fast must be an array"],
  ])("%j: %s", (value, message) => expect(problemsOf("ROUTES", value)).toEqual([message]))

  it.each(["", "Fast", "-fast", "a/b", "a b", "x".repeat(65)])("have no such name: %j", (name) => {
    expect(problemsOf("ROUTES", { [name]: [target] })).toEqual([
      expect.stringMatching(/has a bad name: it must be 1 to 64 lower-case/),
    ])
  })

  it.each(["{", "[]"])("%s: shows what it should be like", (text) => {
    expect(problemsOf("ROUTES", text)).toEqual([expect.stringContaining('such as {"fast": [')])
  })
})

describe("CUSTOM_PROVIDERS", () => {
  const groq = { name: "groq", baseUrl: "https://groq.test", wireFormat: "openai-chat" }
  it.each([
    [
      [{ ...groq, name: "Groq" }],
      "/0/name must be 1 to 32 lower-case letters, digits or dashes, the first no dash",
    ],
    [[{ ...groq, baseUrl: "groq.test" }], "/0/baseUrl must be an http(s) URL"],
    [[{ ...groq, wireFormat: "x" }], '/0/wireFormat must be one of "openai-chat", "anthropic-messages"'],
    [[groq, groq], 'uses the name "groq" a second time, or a reserved one'],
    [[{ ...groq, name: "auto" }], 'uses the name "auto" a second time, or a reserved one'],
    [[{ ...groq, apiKeySecret: "GROQ" }], "names the secret GROQ, which is not set"],
  ])("%j: %s", (value, message) => expect(problemsOf("CUSTOM_PROVIDERS", value)).toEqual([message]))

  it("never tells a value", () => {
    const messages = problemsOf("CUSTOM_PROVIDERS", [
      { ...groq, apiKey: "sk-secret", wireFormat: "sk-secret" },
    ])
    expect(messages).toHaveLength(2)
    expect(messages.join()).not.toContain("sk-secret")
  })
})
