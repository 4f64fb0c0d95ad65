import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { chat, createApi } from "../helpers/requests.ts"
import { type Checkout, createCheckout, type Stack, stackStores, startStack } from "../helpers/stack.ts"

describe.each(stackStores.slice(-1))("the whole process over %s", (store) => {
  let checkout: Checkout
  let stack: Stack
  beforeAll(async () => {
    checkout = createCheckout(store)
    stack = await startStack(checkout)
  })
  afterAll(async () => {
    await stack.stop()
    await checkout.remove()
  })

  it.each(["openai", "anthropic", "deepseek"])("completes a request to %s after a tick", async (provider) => {
    const api = createApi(stack.url)
    const text = `Greetings to ${provider} by way of ${store}`
    const messages = [{ role: "system", content: "Be brief." }, ...chat(provider, text).messages]
    const requestId = await api.enqueue(chat(provider, text, { messages, options: { max_tokens: 50 } }))
    const [request] = await api.completed([requestId])

    expect(request).toMatchObject({ requestId, provider, state: "completed", simulated: true, error: null })
    expect(request?.attempts).toMatchObject([{ number: 1, provider, result: "completed", status: 200 }])
    expect(request?.response).toMatchObject({ object: "chat.completion", model: expect.any(String) })
    expect(request?.response?.choices[0]?.message.content).toContain(text)
    expect(request?.usage?.inputTokens).toBeGreaterThan(0)
    expect(request?.usage?.outputTokens).toBeGreaterThan(0)

    // In the vendor's own format, and streamed: the simulator refuses what the vendor would refuse.
    expect(await stack.calls(text)).toMatchObject([{ provider, result: "completed", stream: true }])
  })

  it("retries what passes, and keeps what fails as a dead letter that can be replayed", async () => {
    const api = createApi(stack.url)
    const passing = await api.enqueue(chat("openai", "once [[sim: error=unavailable times=1]]"))
    const refused = await api.enqueue(chat("anthropic", "never [[sim: error=rejected times=1]]"))
    const [request] = await api.completed([passing])
    expect(request?.attempts.map((attempt) => attempt.result)).toEqual(["retry", "completed"])

    const dead = await api.status(refused)
    expect(dead).toMatchObject({ state: "failed", error: { code: "provider_rejected", retryable: false } })
    await api.call("POST", `/v1/requests/${refused}/replay`, 202)
    const [replayed] = await api.completed([refused])
    expect(replayed?.attempts.map((attempt) => attempt.number)).toEqual([1, 2])
  })

  it("serves its own reference, which asks nobody else for anything", async () => {
    const page = await fetch(`${stack.url}/docs/`)
    expect([page.status, page.headers.get("content-security-policy")]).toEqual([
      200,
      expect.stringContaining("default-src 'none'; script-src 'self'"),
    ])
    const html = await page.text()
    const asked = [...html.matchAll(/<(?:script|link)[^>]* (?:src|href)="(?!data:)([^"]*)"/g)].map(
      ([, path = ""]) => path,
    )
    expect(asked).toHaveLength(3)
    for (const path of [...asked, "/openapi.json"]) {
      expect((await fetch(new URL(path, page.url))).status, path).toBe(200)
      expect(new URL(path, page.url).origin).toBe(stack.url)
    }
    const served = (await (await fetch(`${stack.url}/openapi.json`)).json()) as { paths: object }
    expect(Object.keys(served.paths)).toContain("/v1/requests")
  })

  it("serves the original action API", async () => {
    const api = createApi(stack.url)
    const path = "/api/ai/queue"
    const posted = await api.call<{ requestId: string }>("POST", path, 202, chat("deepseek", "as it was"))
    expect(posted).toMatchObject({ success: true, requestId: expect.any(String) })
    await api.completed([posted.requestId])
    const status = await api.call("GET", `${path}?action=status&requestId=${posted.requestId}`, 200)
    expect(status).toMatchObject({ success: true, request: { state: "completed" } })
  })

  it("brings 20 of one bulk call and 100 concurrent ones to one outcome each", async () => {
    const api = createApi(stack.url)
    const before = await api.counts()
    const providers = ["openai", "anthropic", "deepseek"]
    const requests = Array.from({ length: 120 }, (_, i) =>
      chat(providers[i % 3] ?? "openai", `number ${i} of many`),
    )
    const [bulk, single] = await Promise.all([
      api.enqueueBulk(requests.slice(0, 20)),
      Promise.all(requests.slice(20).map(api.enqueue)),
    ])
    const requestIds = [...bulk, ...single]
    expect(new Set(requestIds).size).toBe(120)
    const all = await api.completed(requestIds, 60_000)
    for (const [i, request] of all.entries()) {
      expect(request.attempts).toHaveLength(1)
      expect(request.response?.choices[0]?.message.content).toContain(`number ${i} of many`)
    }
    const after = await api.counts()
    expect(after).toEqual({ ...before, completed: before.completed + 120 })
  })
})
