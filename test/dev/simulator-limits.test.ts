import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"
import type { ProviderName } from "../../dev/simulator/wire-format.ts"
import { LIMIT_HEADERS as ANTHROPIC } from "../../src/providers/anthropic-messages/limits.ts"
import { LIMIT_HEADERS as OPENAI } from "../../src/providers/openai-chat/limits.ts"
import { readQuotas } from "../../src/providers/quotas.ts"
import { eventually } from "../helpers/eventually.ts"

let simulator: Simulator

beforeEach(async () => {
  simulator = await startSimulator({ latencyMs: 0, tokensPerSecond: 0, tokens: 10 })
})
afterEach(() => simulator.close())

/** Asks in 400 characters, so 100 tokens and a few; the answer has 10. */
async function call(provider: ProviderName = "openai", model = "m", stream = false): Promise<Response> {
  const path = provider === "anthropic" ? "/v1/messages" : "/chat/completions"
  return fetch(simulator.baseUrls[provider] + path, {
    method: "POST",
    headers: { "anthropic-version": "2023-06-01" },
    body: JSON.stringify({
      ...{ model, stream, messages: [{ role: "user", content: "word ".repeat(80) }] },
      ...(provider === "anthropic" ? { max_tokens: 100 } : {}),
    }),
  })
}

async function statuses(count: number, one: () => Promise<Response>): Promise<number[]> {
  const list: number[] = []
  for (let index = 0; index < count; index++) list.push((await one()).status)
  return list
}

describe("calls a minute", () => {
  it("are let in up to the limit, and refused beyond with the wait until the oldest is a minute old", async () => {
    simulator.limit({ provider: "openai", rpm: 3 })
    expect(await statuses(3, call)).toEqual([200, 200, 200])
    const refused = await call()
    expect(refused.status).toBe(429)
    expect(await refused.json()).toMatchObject({ error: { code: "rate_limit_exceeded" } })
    expect(refused.headers.get("retry-after")).toBe("60")
    const waitMs = Number(refused.headers.get("retry-after-ms"))
    expect(Date.now() + waitMs).toBeGreaterThanOrEqual((simulator.calls[0]?.startedAt ?? 0) + 60_000)
    expect(waitMs).toBeLessThanOrEqual(60_000)
  })

  it("slide: what was refused counts nothing, and no window ever holds more", async () => {
    const windowMs = 300
    simulator.limit({ provider: "deepseek", rpm: 4, windowMs })
    const letIn = () => simulator.calls.filter(({ status }) => status === 200)
    const ask = async () => {
      await Promise.all([call("deepseek"), call("deepseek", "m", true)])
      return letIn().length > 12
    }
    await eventually(ask, { everyMs: 20 })
    const times = letIn().map(({ startedAt }) => startedAt)
    expect(times.length).toBeLessThan(simulator.calls.length)
    for (const from of times) {
      expect(times.filter((at) => at >= from && at < from + windowMs).length).toBeLessThanOrEqual(4)
    }
    expect(simulator.limits).toMatchObject([{ refused: simulator.calls.length - times.length }])
  })

  it("of one model leave other models alone, those of a provider count in all of its models", async () => {
    simulator.limit({ provider: "openai", model: "small", rpm: 1 })
    simulator.limit({ provider: "openai", rpm: 3 })
    expect(await statuses(2, () => call("openai", "small"))).toEqual([200, 429])
    expect(await statuses(3, () => call("openai", "large"))).toEqual([200, 200, 429])
    expect(await statuses(5, () => call("anthropic", "small"))).toEqual([200, 200, 200, 200, 200])
    expect(simulator.limits).toMatchObject([
      { model: "small", calls: 1, refused: 1 },
      { calls: 3, refused: 1 },
    ])
  })
})

describe("tokens a minute", () => {
  it("count what is sent and what is answered, and are told in the log", async () => {
    simulator.limit({ provider: "anthropic", tpm: 250 })
    expect((await call("anthropic")).status).toBe(200)
    const [first] = simulator.calls
    expect(first?.tokens).toBeGreaterThan(110)
    expect(simulator.limits).toMatchObject([{ tokens: first?.tokens }])
    expect(await statuses(2, () => call("anthropic"))).toEqual([200, 429])
    expect(simulator.calls.at(-1)).toMatchObject({ status: 429, tokens: null })
  })

  it("refuse for ever what alone is beyond them", async () => {
    simulator.limit({ provider: "openai", tpm: 50 })
    const refused = await call()
    expect(refused.status).toBe(429)
    expect(refused.headers.get("retry-after")).toBeNull()
    expect(await refused.text()).toContain("Request too large for m on tokens per min (TPM)")
  })
})

describe("what is left is told in each vendor's words", () => {
  it.each([
    ["openai", OPENAI],
    ["anthropic", ANTHROPIC],
  ] as const)("%s", async (provider, headers) => {
    simulator.limit({ provider, rpm: 3, tpm: 1000 })
    for (const left of [2, 1, 0]) {
      const before = Date.now()
      const response = await call(provider, "m", true)
      const quotas = readQuotas(response.headers, headers, before)
      await response.text()
      expect(quotas?.requests).toMatchObject({ limit: 3, remaining: left })
      expect(quotas?.tokens?.limit).toBe(1000)
      // The answer's own tokens count once they are known.
      expect(quotas?.tokens?.remaining).toBeLessThan(1000 - 100 * (3 - left))
      for (const fullAt of [quotas?.requests?.fullAt, quotas?.tokens?.fullAt]) {
        expect(fullAt).toBeGreaterThan(before + 59_000)
        expect(fullAt).toBeLessThan(before + 62_000)
      }
    }
    const refused = await call(provider)
    expect(readQuotas(refused.headers, headers, Date.now())?.requests?.remaining).toBe(0)
  })

  it("DeepSeek tells nothing, but for how long to wait", async () => {
    simulator.limit({ provider: "deepseek", rpm: 1 })
    await call("deepseek")
    const refused = await call("deepseek")
    expect(refused.headers.get("retry-after")).toBe("60")
    expect([...refused.headers.keys()].filter((name) => name.includes("ratelimit"))).toEqual([])
  })
})

describe("the control API", () => {
  const control = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(simulator.url + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })

  it("sets limits while calls run, counts them, and lifts them", async () => {
    const limits = [
      { provider: "openai", rpm: 1 },
      { provider: "deepseek", model: "deepseek-chat", tpm: 5000 },
    ]
    expect((await control("POST", "/__limits", limits)).status).toBe(204)
    expect(await statuses(2, call)).toEqual([200, 429])
    expect(await (await control("GET", "/__limits")).json()).toMatchObject({
      limits: [
        { ...limits[0], calls: 1, refused: 1 },
        { ...limits[1], calls: 0, tokens: 0, refused: 0 },
      ],
    })
    expect((await control("POST", "/__limits", { provider: "openai", rpm: 2 })).status).toBe(204)
    expect(await statuses(3, call)).toEqual([200, 200, 429])
    expect((await control("DELETE", "/__limits")).status).toBe(204)
    expect((await call()).status).toBe(200)
  })

  it.each([[{ provider: "nobody", rpm: 1 }], [{ provider: "openai", rpm: 0 }], [{ rpm: 1 }], ["three"]])(
    "refuses a bad limit: %j",
    async (limit) => {
      const response = await control("POST", "/__limits", [{ provider: "openai", rpm: 1 }, limit])
      expect(response.status).toBe(400)
      expect(await response.text()).toContain("limit 1: ")
      expect(simulator.limits).toEqual([])
    },
  )

  it.each([
    ["openai", "unauthorized", 401],
    ["openai", "insufficient_quota", 429],
    ["anthropic", "unauthorized", 401],
    ["deepseek", "billing", 402],
  ] as const)("switches an account's trouble on and off: %s %s", async (provider, error, status) => {
    const rule = { match: { provider }, behaviour: { error } }
    const { ids } = (await (await control("POST", "/__script", rule)).json()) as { ids: number[] }
    simulator.script({ behaviour: { tokens: 3 } })
    expect((await call(provider)).status).toBe(status)
    expect((await control("DELETE", `/__script/${ids[0]}`)).status).toBe(204)
    expect((await call(provider)).status).toBe(200)
    expect((await control("DELETE", `/__script/${ids[0]}`)).status).toBe(404)
    expect(simulator.calls.at(-1)?.tokens).toBeGreaterThan(100)
  })

  it("tells the calls of one model", async () => {
    await call("openai", "one")
    await call("openai", "two")
    const { calls } = (await (await control("GET", "/__calls?model=two")).json()) as {
      calls: { number: number }[]
    }
    expect(calls.map(({ number }) => number)).toEqual([2])
  })
})
