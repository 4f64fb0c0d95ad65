import { describe, expect, it } from "vitest"
import { type RequestRules, readBulk, readRequest } from "../../src/core/contracts/new-request.ts"
import { invalid } from "../../src/core/contracts/problem.ts"

const NOW = 1_790_000_000_000
const DAY_MS = 86_400_000
const provider = {
  wireFormat: "openai-chat",
  baseUrl: "https://x.test",
  apiKey: null,
  simulated: false,
} as const
const rules: RequestRules = {
  config: {
    providers: {
      openai: { ...provider, name: "openai" },
      groq: { ...provider, name: "groq", simulated: true },
    },
    routes: {},
    requestTimeoutMs: 30_000,
    maxRetries: 3,
    resultTtlSeconds: 86_400,
    webhookAllowPrivate: false,
  },
  organizationId: "*",
  now: NOW,
  newRequestId: () => "req_1",
}
const user = { role: "user", content: "Hi." }
const least = { provider: "openai", model: "gpt-5", messages: [user], organizationId: "org-1" }

/** As JSON brings it: a member that is undefined is not there. */
function bodyWith(changes: Record<string, unknown>): unknown {
  return JSON.parse(JSON.stringify({ ...least, ...changes }))
}

function problemsOf(changes: Record<string, unknown>, own = rules): Record<string, string> {
  const { problems } = readRequest(bodyWith(changes), own)
  return Object.fromEntries(problems.map(({ path, message }) => [path, message]))
}
function read(changes: Record<string, unknown>, own = rules) {
  const { requests, problems } = readRequest(bodyWith(changes), own)
  expect(problems).toEqual([])
  return requests?.[0]
}

describe("what is taken", () => {
  it("fills in defaults", () => {
    expect(read({})).toEqual({
      head: {
        ...{
          requestId: "req_1",
          provider: "openai",
          model: "gpt-5",
          fallbacks: [],
          priority: "normal",
          organizationId: "org-1",
        },
        ...{ createdAt: NOW, scheduledAt: null, deadlineAt: null, timeoutMs: 30_000, maxRetries: 3 },
        ...{ resultTtlSeconds: 86_400, metadata: {}, callback: null, batchId: null, simulated: false },
      },
      body: { messages: [user], options: {}, providerOptions: {} },
      asked: { delayMs: 0, scheduledAt: null },
    })
  })

  it("takes the organization from the key, and whether the simulator answers from the provider", () => {
    const own = { ...rules, organizationId: "org-9" }
    expect(read({ organizationId: undefined }, own)?.head.organizationId).toBe("org-9")
    expect(read({ provider: "groq" })?.head.simulated).toBe(true)
  })

  it.each([
    ["model", ["a", "x".repeat(128), "\u{1F600}".repeat(128), "any/thing:goes here"]],
    ["priority", ["critical", "high", "normal", "low"]],
    ["organizationId", ["a", "x".repeat(64), "A-z_0.9"]],
    ["timeoutMs", [1000, 600_000]],
    ["maxRetries", [0, 10]],
    ["delayMs", [0, 30 * DAY_MS]],
    ["scheduledAt", [null, 0, NOW + 30 * DAY_MS]],
    ["deadlineAt", [null, NOW + 1]],
    ["resultTtlSeconds", [60, 2_592_000]],
    ["options", [{}, { temperature: 0.2, unknown_to_us: [1, { a: null }] }]],
    ["providerOptions", [{}, { thinking: { type: "enabled" } }]],
    [
      "metadata",
      [
        {},
        Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`k${i}`, "v"])),
        { ["k".repeat(64)]: "v".repeat(512) },
      ],
    ],
  ])("%s at its bounds", (name, values) => {
    for (const value of values) expect(problemsOf({ [name]: value })).toEqual({})
  })

  it("computes when a request is due", () => {
    expect(read({ delayMs: 5000 })?.head.scheduledAt).toBe(NOW + 5000)
    expect(read({ delayMs: 0 })?.head.scheduledAt).toBeNull()
    expect(read({ scheduledAt: NOW + 5000 })?.head.scheduledAt).toBe(NOW + 5000)
    expect(read({ scheduledAt: NOW - 5000 })?.head.scheduledAt).toBeNull()
    expect(read({ scheduledAt: null, delayMs: 5000 })?.head.scheduledAt).toBe(NOW + 5000)
  })

  it("leaves options and messages as they were sent", () => {
    const options = { logit_bias: { "50256": -100 }, empty: [], big: 12345678901234, nested: { a: {} } }
    const messages = [{ ...user, cache_control: { type: "ephemeral" } }]
    expect(read({ options, messages })?.body).toEqual({ messages, options, providerOptions: {} })
  })
})

describe("what is refused", () => {
  it.each([7, "text", null, [], [[]]])("%j, with nothing else wrong about it", (value) => {
    const problem = { path: "/requests/1", message: "must be an object", code: "invalid_request" }
    expect(readBulk({ requests: [least, value] }, rules).problems).toEqual([problem])
  })

  it("a member of any length, whose name the detail cuts short", () => {
    const name = "n".repeat(100_000)
    const { problems } = readRequest({ ...least, [name]: 1 }, rules)
    const { message, errors } = invalid("The body", problems)
    expect(errors).toEqual([{ path: `/${name}`, message: "is not known here" }])
    expect(message.length).toBeLessThan(300)
  })

  it.each([
    ["provider", undefined, "is required"],
    ["provider", 7, "must be a string"],
    ["provider", "Open AI", "must be the name of a provider, such as openai, anthropic or deepseek"],
    ["provider", "anthropic", "is not configured here: set ANTHROPIC_API_KEY, or use another"],
    ["provider", "acme", "is not configured here: add it to CUSTOM_PROVIDERS, or use another"],
    ["provider", "toString", "must be the name of a provider, such as openai, anthropic or deepseek"],
    ["provider", "constructor", "is not configured here: add it to CUSTOM_PROVIDERS, or use another"],
    ["model", undefined, "is required"],
    ["model", "", "must have 1 to 128 characters"],
    ["model", "x".repeat(129), "must have 1 to 128 characters"],
    ["messages", undefined, "is required"],
    ["messages", [], "must not be empty"],
    ["messages", user, "must be an array"],
    ["messages", Array(1001).fill(user), "must be at most 1000 entries"],
    ["priority", "urgent", 'must be one of "critical", "high", "normal", "low"'],
    ["priority", null, 'must be one of "critical", "high", "normal", "low"'],
    ["organizationId", undefined, "is required with a key for all organizations"],
    ["organizationId", "", "must be 1 to 64 letters, digits, dots, dashes or underscores"],
    ["organizationId", "x".repeat(65), "must be 1 to 64 letters, digits, dots, dashes or underscores"],
    ["organizationId", "a b", "must be 1 to 64 letters, digits, dots, dashes or underscores"],
    ["organizationId", "*", "must be 1 to 64 letters, digits, dots, dashes or underscores"],
    ["timeoutMs", 999, "must be a whole number from 1000 to 600000"],
    ["timeoutMs", 600_001, "must be a whole number from 1000 to 600000"],
    ["timeoutMs", 1000.5, "must be a whole number from 1000 to 600000"],
    ["timeoutMs", "1000", "must be a whole number"],
    ["maxRetries", -1, "must be a whole number from 0 to 10"],
    ["maxRetries", 11, "must be a whole number from 0 to 10"],
    ["delayMs", -1, "must be a whole number from 0 to 2592000000"],
    ["delayMs", 30 * DAY_MS + 1, `must be a whole number from 0 to ${30 * DAY_MS}`],
    ["scheduledAt", NOW + 30 * DAY_MS + 1, "must be at most 30 days ahead"],
    ["scheduledAt", "2026-01-01T00:00:00Z", "must be a whole number"],
    ["deadlineAt", NOW, "must not be past"],
    ["deadlineAt", 1e15, "must be a whole number from 0 to 99999999999999"],
    ["resultTtlSeconds", 59, "must be a whole number from 60 to 2592000"],
    ["resultTtlSeconds", 2_592_001, "must be a whole number from 60 to 2592000"],
    ["options", [], "must be an object"],
    ["providerOptions", "x", "must be an object"],
    ["metadata", [], "must be an object"],
    [
      "metadata",
      Object.fromEntries(Array.from({ length: 17 }, (_, i) => [i, "v"])),
      "must be at most 16 pairs",
    ],
    ["callback", "https://example.com", "must be an object"],
    ["temperature", 1, "is not known here: use options.temperature"],
    ["max_tokens", 1, "is not known here: use options.max_tokens"],
    ["max_retries", 1, "is not known here: use maxRetries"],
    ["organisationId", "x", "is not known here: use organizationId"],
    ["something", 1, "is not known here"],
  ])("%s: %j %s", (name, value, message) => {
    expect(problemsOf({ [name]: value })).toEqual({ [`/${name}`]: message })
  })

  it.each(["model", "messages", "system", "stream", "stream_options", "n"])(
    "%s inside the options",
    (name) => {
      for (const place of ["options", "providerOptions"]) {
        const problems = problemsOf({ [place]: { [name]: false, seed: 1 } })
        expect(problems).toEqual({ [`/${place}/${name}`]: expect.stringMatching(/^is not allowed/) })
      }
    },
  )

  it("metadata that are no short texts", () => {
    const metadata = { ok: "yes", number: 1, "a/b~c": "v".repeat(513), ["k".repeat(65)]: "v" }
    expect(problemsOf({ metadata })).toEqual({
      "/metadata/number": "must be a string",
      "/metadata/a~1b~0c": "must have at most 512 characters",
      [`/metadata/${"k".repeat(65)}`]: expect.any(String),
    })
  })

  it("two times at once, and a deadline before the request is due", () => {
    expect(problemsOf({ delayMs: 0, scheduledAt: NOW })).toEqual({
      "/delayMs": "and scheduledAt exclude each other",
    })
    const early = { "/deadlineAt": "must not be before the request is due" }
    expect(problemsOf({ delayMs: 5000, deadlineAt: NOW + 4999 })).toEqual(early)
    expect(problemsOf({ scheduledAt: NOW + 5000, deadlineAt: NOW + 4999 })).toEqual(early)
    expect(problemsOf({ scheduledAt: NOW + 5000, deadlineAt: NOW + 5000 })).toEqual({})
  })

  it("all at once, not only the first", () => {
    const problems = problemsOf({
      ...{
        model: 1,
        priority: "x",
        messages: [{ role: "user" }],
        delayMs: 1,
        scheduledAt: NOW,
        deadlineAt: 1,
      },
      ...{ temperature: 1, options: { n: 2 }, metadata: { a: 1 } },
    })
    expect(Object.keys(problems).sort()).toEqual(
      [
        ...["/deadlineAt", "/delayMs", "/messages/0/content", "/metadata/a", "/model", "/options/n"],
        ...["/priority", "/temperature"],
      ].sort(),
    )
  })

  it("but not without end: half a million mistakes are told as a hundred", () => {
    const messages = Array.from({ length: 1000 }, () => ({ role: "user", content: Array(500).fill(1) }))
    expect(readRequest({ ...least, messages }, rules).problems.length).toBeLessThan(1200)
    const requests = Array.from({ length: 1000 }, () => ({}))
    expect(readBulk({ requests }, rules).problems.length).toBeLessThan(110)
  })
})

describe("the code of the refusal", () => {
  const codes = (changes: Record<string, unknown>) =>
    readRequest(bodyWith(changes), rules).problems.map(({ code }) => code)
  it.each([
    [["invalid_request"], { model: "" }],
    [["provider_not_configured"], { provider: "acme" }],
  ])("%j", (expected, changes) => expect(codes(changes)).toEqual(expected))
})
