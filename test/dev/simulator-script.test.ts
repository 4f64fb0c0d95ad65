import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"
import type { ProviderName } from "../../dev/simulator/wire-format.ts"

let simulator: Simulator

beforeEach(async () => {
  simulator = await startSimulator({ latencyMs: 0, tokensPerSecond: 0, tokens: 10 })
})
afterEach(() => simulator.close())

async function post(provider: ProviderName, body: unknown, headers = {}): Promise<Response> {
  const path = provider === "anthropic" ? "/v1/messages" : "/chat/completions"
  return fetch(simulator.baseUrls[provider] + path, {
    method: "POST",
    headers: { "anthropic-version": "2023-06-01", ...headers },
    body: JSON.stringify(body),
  })
}

function call(content: unknown, provider: ProviderName = "openai", model = "m"): Promise<Response> {
  const max_tokens = provider === "anthropic" ? { max_tokens: 100 } : {}
  return post(provider, { model, messages: [{ role: "user", content }], ...max_tokens })
}

async function statuses(count: number, one: (index: number) => Promise<Response>): Promise<number[]> {
  const list: number[] = []
  for (let index = 0; index < count; index++) list.push((await one(index)).status)
  return list
}

describe("a directive in the message", () => {
  it("fails so many times and then lets pass, for this message alone", async () => {
    const message = "A [[sim: error=server_error times=2]]"
    expect(await statuses(4, () => call(message))).toEqual([500, 500, 200, 200])
    expect((await call("B [[sim: error=server_error times=2]]")).status).toBe(500)
  })

  it("gives way to the next one when it is used up", async () => {
    const message = "[[sim: error=rate_limited times=1]] then [[sim: error=overloaded times=2]]"
    expect(await statuses(4, () => call(message, "anthropic"))).toEqual([429, 529, 529, 200])
  })

  it("may hold for one provider, one model or one call", async () => {
    expect((await call("[[sim: provider=openai error=conflict]]", "deepseek")).status).toBe(200)
    expect((await call("[[sim: provider=openai error=conflict]]", "openai")).status).toBe(409)
    expect((await call("[[sim: model=n error=conflict]]")).status).toBe(200)
    expect(await statuses(3, () => call("[[sim: nth=2 error=conflict]]"))).toEqual([200, 409, 200])
  })

  it("is read from text parts, and not repeated in the answer", async () => {
    const content = [{ type: "text", text: "Part one [[sim: tokens=30]]" }]
    const { choices } = (await (await call(content)).json()) as {
      choices: { message: { content: string } }[]
    }
    expect(choices[0]?.message.content).toContain('to: "Part one".')
    expect(choices[0]?.message.content).toHaveLength(120)
  })

  it.each([
    ["eror=conflict", /behaviour does not have eror/],
    ["error=nonsense", /behaviour\.error must be one of rejected, /],
    ["tokens=many", /behaviour\.tokens must be of type/],
    ["splitBytes=0", /behaviour\.splitBytes must be at least 1/],
    ["just words", /just words\\" is not of the form/],
    ["answer=tool_call", /the request has no tools/],
  ])("that is wrong is told: %s", async (script, message) => {
    const response = await call(`[[sim: ${script}]]`)
    expect(response.status).toBe(400)
    expect(await response.text()).toMatch(message)
  })
})

describe("a rule", () => {
  it("matches on provider, model and text, so many times", async () => {
    simulator.script({
      match: { provider: "openai", model: "m", text: "fail" },
      behaviour: { error: "unavailable" },
      times: 2,
    })
    expect((await call("please fail", "deepseek")).status).toBe(200)
    expect((await call("please fail", "openai", "n")).status).toBe(200)
    expect((await call("go on")).status).toBe(200)
    expect(await statuses(3, () => call("please fail"))).toEqual([503, 503, 200])
  })

  it("matches the nth call, or every nth", async () => {
    simulator.script({ match: { nth: 2 }, behaviour: { error: "conflict" } })
    simulator.script({ match: { every: 3 }, behaviour: { error: "server_error" } })
    expect(await statuses(7, () => call("x"))).toEqual([200, 409, 500, 200, 200, 500, 200])
  })

  it("stands behind the directive, and before the defaults", async () => {
    simulator.script({ behaviour: { tokens: 20, finish: "ruled" } })
    const answer = async (content: string) =>
      (await (await call(content)).json()) as { usage: object; choices: { finish_reason: string }[] }
    expect(await answer("x")).toMatchObject({ usage: { completion_tokens: 20 } })
    expect(await answer("[[sim: tokens=5]]")).toMatchObject({
      usage: { completion_tokens: 5 },
      choices: [{ finish_reason: "ruled" }],
    })
    simulator.clearScript()
    expect(await answer("x")).toMatchObject({ usage: { completion_tokens: 10 } })
  })

  it("is not used up by a request that is refused", async () => {
    simulator.script({ behaviour: { error: "server_error" }, times: 1 })
    expect((await post("openai", { model: "m" })).status).toBe(400)
    expect((await call("x")).status).toBe(500)
  })

  it("that is wrong throws", () => {
    expect(() => simulator.script({ behaviour: { tokens: -1 } })).toThrow()
  })
})

describe("the control API", () => {
  const control = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(simulator.url + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })

  it("adds, lists and forgets rules", async () => {
    const added = await control("POST", "/__script", [
      { match: { text: "one" }, behaviour: { error: "conflict" }, times: 1 },
      { match: { text: "two" }, behaviour: { error: "server_error" } },
    ])
    expect(await added.json()).toEqual({ ids: [1, 2] })
    expect((await call("one")).status).toBe(409)
    const { rules } = (await (await control("GET", "/__script")).json()) as { rules: object[] }
    expect(rules).toMatchObject([
      { id: 1, calls: 1, uses: 1 },
      { id: 2, calls: 0, uses: 0 },
    ])
    expect((await control("DELETE", "/__script")).status).toBe(204)
    expect((await call("two")).status).toBe(200)
  })

  it.each([[{ behaviour: { fault: "flood" } }], [{ rule: 1 }], ["no JSON object"]])(
    "refuses a bad rule: %j",
    async (rule) => {
      const response = await control("POST", "/__script", [{ behaviour: { error: "conflict" } }, rule])
      expect(response.status).toBe(400)
      expect(await response.text()).toContain("rule 1")
      expect((await call("x")).status).toBe(200)
    },
  )

  it("tells the calls, filtered and limited, and forgets them", async () => {
    await call("alpha")
    await call("beta", "deepseek")
    await call("gamma")
    const calls = async (query: string) => {
      const report = await (await control("GET", `/__calls${query}`)).json()
      return (report as { calls: { tag: string }[] }).calls.map((one) => one.tag)
    }
    expect(await calls("")).toEqual(["alpha", "beta", "gamma"])
    expect(await calls("?provider=openai")).toEqual(["alpha", "gamma"])
    expect(await calls("?tag=eta")).toEqual(["beta"])
    expect(await calls("?limit=1")).toEqual(["gamma"])
    expect((await control("DELETE", "/__calls")).status).toBe(204)
    expect(await calls("")).toEqual([])
  })
})

describe("what is recorded", () => {
  it("is who was asked for what, and never a key", async () => {
    const before = Date.now()
    await post(
      "anthropic",
      {
        model: "claude",
        max_tokens: 9,
        messages: [{ role: "user", content: `${"long ".repeat(20)}[[sim: tokens=1]]` }],
      },
      { "x-api-key": "sk-secret-1", authorization: "Bearer sk-secret-2" },
    )
    await call("x")
    const [first, second] = simulator.calls
    expect(first).toMatchObject({
      number: 1,
      provider: "anthropic",
      model: "claude",
      tag: "long ".repeat(20).slice(0, 64),
      stream: false,
      result: "completed",
      status: 200,
      authorized: true,
    })
    expect(first?.startedAt).toBeGreaterThanOrEqual(before)
    expect(first?.endedAt).toBeGreaterThanOrEqual(first?.startedAt ?? 0)
    expect(second?.authorized).toBe(false)

    expect(simulator.bodies[0]).toMatchObject({
      number: 1,
      headers: { "anthropic-version": "2023-06-01" },
      body: { model: "claude", max_tokens: 9 },
    })
    const everything = JSON.stringify([simulator.calls, simulator.bodies])
    expect(everything).not.toContain("sk-secret")
  })

  it("is how many calls run, and ran at most, at a time", async () => {
    const running = Array.from({ length: 5 }, (_, index) => call(`${index} [[sim: latencyMs=300]]`))
    await expect.poll(() => simulator.inFlight.openai).toBe(5)
    await Promise.all(running)
    expect(simulator.inFlight.openai).toBe(0)
    expect(simulator.maxInFlight).toEqual({ openai: 5, anthropic: 0, deepseek: 0 })
    simulator.clearCalls()
    expect(simulator.maxInFlight.openai).toBe(0)
    expect(simulator.calls).toEqual([])
  })

  it("is a body that is no JSON, or too large, as an error", async () => {
    const url = `${simulator.baseUrls.openai}/chat/completions`
    expect((await fetch(url, { method: "POST", body: "{" })).status).toBe(400)
    expect((await fetch(url, { method: "POST", body: Buffer.alloc(33 * 1024 * 1024, 32) })).status).toBe(413)
    expect(simulator.calls.map((one) => one.result)).toEqual(["error", "error"])
  })

  it("is bounded for bodies", async () => {
    await Promise.all(Array.from({ length: 205 }, (_, index) => call(`call ${index}`)))
    expect(simulator.bodies).toHaveLength(200)
    expect(simulator.calls).toHaveLength(205)
  })
})

describe("the server", () => {
  it("closes although calls are in flight", async () => {
    const answer = call("[[sim: fault=stall_headers]]").catch(() => "broken")
    await expect.poll(() => simulator.inFlight.openai).toBe(1)
    await simulator.close()
    expect(await answer).toBe("broken")
    simulator = await startSimulator()
  })

  it("rejects when its port is taken", async () => {
    await expect(startSimulator({ port: simulator.port })).rejects.toMatchObject({ code: "EADDRINUSE" })
  })

  it("takes its defaults from its options, and answers a person at leisure", async () => {
    await using slow = await startSimulator()
    const startedAt = performance.now()
    const body = { model: "m", messages: [{ role: "user", content: "Hi" }] }
    const url = `${slow.baseUrls.openai}/chat/completions`
    await (await fetch(url, { method: "POST", body: JSON.stringify(body) })).text()
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(345)
  })
})
