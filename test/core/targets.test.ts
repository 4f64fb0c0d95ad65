import { describe, expect, it } from "vitest"
import { type RequestRules, readBulk, readRequest } from "../../src/core/contracts/new-request.ts"

const provider = { wireFormat: "openai-chat", baseUrl: "https://x.test", apiKey: null } as const
const fast = [
  { provider: "openai", model: "gpt-5-mini", weight: 3 },
  { provider: "groq", model: "llama", weight: 1 },
]
const plain = [{ provider: "openai", model: "gpt-5", weight: 1 }]
const rules: RequestRules = {
  config: {
    providers: {
      openai: { ...provider, name: "openai", simulated: false },
      groq: { ...provider, name: "groq", simulated: true },
    },
    routes: { fast, "plain-1.0": plain },
    ...{ requestTimeoutMs: 30_000, maxRetries: 3, resultTtlSeconds: 86_400, webhookAllowPrivate: false },
  },
  organizationId: "org-1",
  now: 1_790_000_000_000,
  newRequestId: () => "req_1",
}
const least = { provider: "openai", model: "gpt-5", messages: [{ role: "user", content: "Hi." }] }
const groq = { provider: "groq", model: "llama" }

function read(changes: Record<string, unknown>) {
  const { requests, problems } = readRequest({ ...least, ...changes }, rules)
  expect(problems).toEqual([])
  return requests?.[0]
}

function problemsOf(changes: Record<string, unknown>, own = rules) {
  const { problems } = readRequest({ ...least, ...changes }, own)
  return problems.map(({ path, message, code }) => [path, message, code])
}

describe("a route", () => {
  it("is named by the model, and gives the request its targets as they are now", () => {
    const request = read({ provider: "auto", model: "fast" })
    expect(request?.head).toMatchObject({ provider: "auto", model: "fast", fallbacks: [] })
    expect(request?.route).toEqual(fast)
  })

  it("is simulated when one of its targets is", () => {
    expect(read({ provider: "auto", model: "fast" })?.head.simulated).toBe(true)
    expect(read({ provider: "auto", model: "plain-1.0" })?.head.simulated).toBe(false)
  })

  it.each(["slow", "Fast", "constructor", "fast "])("that is unknown is refused: %j", (model) => {
    expect(problemsOf({ provider: "auto", model })).toEqual([
      ["/model", "must be the name of a route: fast, plain-1.0", "invalid_request"],
    ])
  })

  it("needs ROUTES", () => {
    const own = { ...rules, config: { ...rules.config, routes: {} } }
    const wayOut = "set ROUTES, or name a provider instead of auto"
    expect(problemsOf({ provider: "auto", model: "fast" }, own)).toEqual([
      ["/model", `must be the name of a route, and there is none: ${wayOut}`, "invalid_request"],
    ])
  })

  it("takes no fallbacks of the request's own, but an empty list of them", () => {
    expect(read({ provider: "auto", model: "fast", fallbacks: [] })?.route).toEqual(fast)
    expect(problemsOf({ provider: "auto", model: "fast", fallbacks: [groq] })).toEqual([
      ["/fallbacks", "does not go with auto: its route falls back by itself", "invalid_request"],
    ])
  })
})

describe("fallbacks", () => {
  it("are kept in their order, and are no route", () => {
    const fallbacks = [groq, { provider: "openai", model: "gpt-5-mini" }, { ...groq, model: "x".repeat(128) }]
    const request = read({ fallbacks })
    expect(request?.head.fallbacks).toEqual(fallbacks)
    expect(request).not.toHaveProperty("route")
  })

  it("make the request simulated when one of them is", () => {
    expect(read({ fallbacks: [] })?.head.simulated).toBe(false)
    expect(read({ fallbacks: [{ provider: "openai", model: "other" }] })?.head.simulated).toBe(false)
    expect(read({ fallbacks: [groq] })?.head.simulated).toBe(true)
  })

  const notConfigured = "is not configured here: add it to CUSTOM_PROVIDERS, or use another"
  const misplaced = "must be a provider: auto is for the request itself"
  it.each([
    ["/fallbacks", "must be an array", "invalid_request", null],
    ["/fallbacks", "must be at most 5 entries", "invalid_request", "abcdef".split("").map(ofModel)],
    ["/fallbacks/0", "must be an object", "invalid_request", ["groq"]],
    ["/fallbacks/0/model", "is required", "invalid_request", [{ provider: "groq" }]],
    ["/fallbacks/0/model", "must have 1 to 128 characters", "invalid_request", [ofModel("")]],
    ["/fallbacks/0/weight", "is not known here", "invalid_request", [{ ...groq, weight: 2 }]],
    [
      "/fallbacks/1/provider",
      notConfigured,
      "provider_not_configured",
      [groq, { ...groq, provider: "acme" }],
    ],
    ["/fallbacks/0/provider", misplaced, "invalid_request", [{ provider: "auto", model: "fast" }]],
    [
      "/fallbacks/0",
      "repeats an earlier target",
      "invalid_request",
      [{ provider: "openai", model: "gpt-5" }],
    ],
    ["/fallbacks/2", "repeats an earlier target", "invalid_request", [groq, ofModel("other"), groq]],
  ])("%s %s", (path, message, code, fallbacks) => {
    expect(problemsOf({ fallbacks })).toEqual([[path, message, code]])
  })

  it("are pointed at in a bulk too", () => {
    const requests = [least, { ...least, fallbacks: [groq, { provider: "acme", model: "m" }] }]
    const { problems } = readBulk({ requests }, rules)
    expect(problems.map(({ path }) => path)).toEqual(["/requests/1/fallbacks/1/provider"])
  })
})

function ofModel(model: string) {
  return { provider: "groq", model }
}
