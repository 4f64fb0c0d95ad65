import Anthropic from "@anthropic-ai/sdk"
import OpenAI from "openai"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { ERROR_NAMES } from "../../dev/simulator/errors.ts"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"
import type { ProviderName } from "../../dev/simulator/wire-format.ts"

let simulator: Simulator
const clients = {} as Record<"openai" | "deepseek", OpenAI>
let anthropic: Anthropic

beforeAll(async () => {
  simulator = await startSimulator({ latencyMs: 0, tokensPerSecond: 0 })
  for (const name of ["openai", "deepseek"] as const) {
    clients[name] = new OpenAI({ apiKey: "k", baseURL: simulator.baseUrls[name], maxRetries: 0 })
  }
  anthropic = new Anthropic({ apiKey: "k", baseURL: simulator.baseUrls.anthropic, maxRetries: 0 })
})
afterAll(() => simulator.close())
beforeEach(() => simulator.clearScript())

async function failure(provider: ProviderName, content: string, stream = false): Promise<unknown> {
  try {
    const messages = [{ role: "user" as const, content }]
    if (provider === "anthropic") {
      const body = { model: "m", max_tokens: 100, messages }
      if (!stream) await anthropic.messages.create(body)
      else for await (const _ of await anthropic.messages.create({ ...body, stream: true }));
    } else {
      const body = { model: "m", messages }
      if (!stream) await clients[provider].chat.completions.create(body)
      else for await (const _ of await clients[provider].chat.completions.create({ ...body, stream: true }));
    }
  } catch (error) {
    return error
  }
  return "no error"
}

describe("errors that OpenAI tells", () => {
  it.each<[string, number, string, string | null]>([
    ["rejected", 400, "invalid_request_error", "invalid_value"],
    ["context_length", 400, "invalid_request_error", "context_length_exceeded"],
    ["unauthorized", 401, "invalid_request_error", "invalid_api_key"],
    ["forbidden", 403, "invalid_request_error", "insufficient_permissions"],
    ["region", 403, "request_forbidden", "unsupported_country_region_territory"],
    ["model_not_found", 404, "invalid_request_error", "model_not_found"],
    ["conflict", 409, "invalid_request_error", null],
    ["unprocessable", 422, "invalid_request_error", null],
    ["rate_limited", 429, "requests", "rate_limit_exceeded"],
    ["insufficient_quota", 429, "insufficient_quota", "insufficient_quota"],
    ["credit_balance_exhausted", 429, "insufficient_quota", "credit_balance_exhausted"],
    ["organization_spend_limit_exceeded", 429, "insufficient_quota", "organization_spend_limit_exceeded"],
    ["project_spend_limit_exceeded", 429, "insufficient_quota", "project_spend_limit_exceeded"],
    ["organization_usage_limit_exceeded", 429, "insufficient_quota", "organization_usage_limit_exceeded"],
    ["server_error", 500, "server_error", null],
    ["overloaded", 503, "service_unavailable_error", "server_is_overloaded"],
  ])("%s", async (name, status, type, code) => {
    const error = await failure("openai", `[[sim: error=${name}]]`)
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect(error).toMatchObject({ status, type, code })
  })

  it("are the SDK's own classes", async () => {
    expect(await failure("openai", "[[sim: error=unauthorized]]")).toBeInstanceOf(OpenAI.AuthenticationError)
    expect(await failure("openai", "[[sim: error=rate_limited]]")).toBeInstanceOf(OpenAI.RateLimitError)
    expect(await failure("openai", "[[sim: error=server_error]]")).toBeInstanceOf(OpenAI.InternalServerError)
  })
})

describe("errors that Anthropic tells", () => {
  it.each<[string, number, string, string | null]>([
    ["rejected", 400, "invalid_request_error", null],
    ["spend_limit", 400, "invalid_request_error", null],
    ["unauthorized", 401, "authentication_error", null],
    ["billing", 402, "billing_error", null],
    ["forbidden", 403, "permission_error", null],
    ["model_not_found", 404, "not_found_error", null],
    ["too_large", 413, "request_too_large", null],
    ["rate_limited", 429, "rate_limit_error", null],
    ["enforced_spend_limit_reached", 429, "rate_limit_error", "enforced_spend_limit_reached"],
    ["contract_spend_limit_reached", 429, "rate_limit_error", "contract_spend_limit_reached"],
    ["server_error", 500, "api_error", null],
    ["gateway_timeout", 504, "timeout_error", null],
    ["overloaded", 529, "overloaded_error", null],
  ])("%s", async (name, status, type, errorCode) => {
    const error = await failure("anthropic", `[[sim: error=${name}]]`)
    expect(error).toBeInstanceOf(Anthropic.APIError)
    expect(error).toMatchObject({ status, type, errorCode })
  })

  it("has its own words for a spend limit", async () => {
    const error = await failure("anthropic", "[[sim: error=spend_limit]]")
    expect(error).toMatchObject({
      apiMessage: expect.stringMatching(/^You have reached your specified API usage/),
    })
  })
})

describe("errors that DeepSeek tells", () => {
  it.each<[string, number, string]>([
    ["unauthorized", 401, "Authentication Fails"],
    ["billing", 402, "Insufficient Balance"],
    ["model_not_found", 400, "Model Not Exist"],
    ["unprocessable", 422, "invalid parameters"],
    ["rate_limited", 429, "Rate limit"],
    ["server_error", 500, "error"],
    ["overloaded", 503, "too busy"],
  ])("%s", async (name, status, message) => {
    const error = await failure("deepseek", `[[sim: error=${name}]]`)
    expect(error).toMatchObject({ status, message: expect.stringContaining(message) })
  })
})

describe("every error of the catalogue", () => {
  it.each(["openai", "anthropic", "deepseek"] as const)("is told by %s with a status", async (provider) => {
    for (const name of ERROR_NAMES) {
      const error = await failure(provider, `[[sim: error=${name}]]`)
      expect(error, name).toMatchObject({ status: expect.any(Number) })
      expect(simulator.calls.at(-1), name).toMatchObject({
        result: "error",
        status: (error as { status: number }).status,
      })
    }
  })

  it("takes status, code and message from the script", async () => {
    const script = '[[sim: error=rejected status=418 code=teapot message="I am one."]]'
    expect(await failure("openai", script)).toMatchObject({
      status: 418,
      code: "teapot",
      message: "418 I am one.",
    })
  })
})

describe("what comes with an error", () => {
  const headersOf = async (script: string): Promise<Headers> => {
    const response = await fetch(`${simulator.baseUrls.openai}/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model: "m", messages: [{ role: "user", content: `[[sim: ${script}]]` }] }),
    })
    expect(response.status).toBe(429)
    return response.headers
  }

  it("is the wait, in each of its forms", async () => {
    expect((await headersOf("error=rate_limited retryAfter=2")).get("retry-after")).toBe("2")
    expect((await headersOf("error=rate_limited retryAfterMs=250")).get("retry-after-ms")).toBe("250")
    const date = (await headersOf("error=rate_limited retryAfterDate=30")).get("retry-after") ?? ""
    expect(date).toMatch(/GMT$/)
    expect(Math.abs(Date.parse(date) - Date.now() - 30_000)).toBeLessThan(5000)
    expect((await headersOf("error=rate_limited")).get("retry-after")).toBeNull()
    expect((await headersOf("error=rate_limited shouldRetry=false")).get("x-should-retry")).toBe("false")
  })

  it("is a page of a gateway, for bad_gateway", async () => {
    const error = await failure("anthropic", "[[sim: error=bad_gateway]]")
    expect(error).toMatchObject({ status: 502, headers: expect.any(Headers) })
    expect((error as { headers: Headers }).headers.get("content-type")).toBe("text/html")
  })
})

describe("errors in the middle of a stream", () => {
  it("are OpenAI's data with an error in it", async () => {
    const error = await failure("openai", "[[sim: error=server_error afterTokens=5]]", true)
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect(error).toMatchObject({ status: undefined, type: "server_error" })
    expect(simulator.calls.at(-1)).toMatchObject({ result: "error", status: 200 })
  })

  it("are Anthropic's error events", async () => {
    const error = await failure("anthropic", "[[sim: error=overloaded afterTokens=5]]", true)
    expect(error).toBeInstanceOf(Anthropic.APIError)
    expect(error).toMatchObject({ status: undefined, type: "overloaded_error" })
  })

  it("are a plain status when nothing is streamed", async () => {
    expect(await failure("anthropic", "[[sim: error=overloaded afterTokens=5]]")).toMatchObject({
      status: 529,
    })
  })
})
