import { expect, test } from "vitest"
import type { Processor } from "../../src/worker/index.ts"
import { eventually } from "../helpers/eventually.ts"
import { describeWorkers } from "./suite.ts"

const answerOf = (status: { response: { choices: { message: { content: string | null } }[] } | null }) =>
  status.response?.choices[0]?.message.content

describeWorkers("a processor", (scene) => {
  test("is called instead of every provider, with the request and its target", async () => {
    const s = await scene({ ROUTES: '{"both": [{"provider": "anthropic", "model": "claude-sonnet-5"}]}' })
    const seen: Parameters<Processor>[] = []
    await s.start(1, {
      processor: async (...call) => {
        seen.push(call)
        return "From a text."
      },
    })
    const [plain = "", routed = ""] = await s.enqueue(
      { text: "plain", metadata: { trace: "abc" } },
      { text: "routed", provider: "auto", model: "both" },
    )
    const statuses = await s.ended([plain, routed])
    expect(statuses.map(answerOf)).toEqual(["From a text.", "From a text."])
    expect(statuses.map(({ usage }) => usage)).toEqual([null, null])
    expect(s.simulator.calls).toEqual([])
    expect(seen.find(([request]) => request.requestId === plain)).toMatchObject([
      {
        ...{ provider: "openai", model: "gpt-5-mini", organizationId: "default", metadata: { trace: "abc" } },
        ...{ messages: [{ role: "user", content: "plain" }], attempt: 1 },
      },
      { attempt: 1, target: { provider: "openai", model: "gpt-5-mini" }, signal: expect.any(AbortSignal) },
    ])
    expect(seen.find(([request]) => request.requestId === routed)?.[1].target).toEqual({
      ...{ provider: "anthropic", model: "claude-sonnet-5" },
    })
  })

  test("serves names that no provider has", async () => {
    const s = await scene()
    const custom = [{ name: "my-service", baseUrl: "http://127.0.0.1:9/v1", wireFormat: "openai-chat" }]
    const { AIRequestQueue } = await import("../../src/library/index.ts")
    const elsewhere = new AIRequestQueue({
      ...{ redis: { url: s.store.url, token: s.store.token }, queueName: s.queueName },
      env: { CUSTOM_PROVIDERS: JSON.stringify(custom) },
    })
    const id = await elsewhere.enqueue("my-service", "model-7", [{ role: "user", content: "Hello." }])
    await s.start(1, { providers: ["my-service"], processor: async ({ target }) => `I am ${target.model}.` })
    const [status] = await s.ended([id])
    expect(status && answerOf(status)).toBe("I am model-7.")
  })

  test("answers with a completion, or with a text and its usage", async () => {
    const s = await scene()
    await s.start(1, {
      processor: async ({ messages }) =>
        messages[0]?.content === "usage"
          ? { response: "Counted.", usage: { inputTokens: 12, cachedInputTokens: 4, outputTokens: 3 } }
          : {
              id: "chatcmpl-1",
              choices: [{ message: { role: "assistant", content: "Whole." }, finish_reason: "stop" }],
              usage: { prompt_tokens: 7, completion_tokens: 2 },
            },
    })
    const [counted, whole] = await s.ended(await s.enqueue("usage", "completion"))
    expect(counted).toMatchObject({
      usage: { inputTokens: 12, cachedInputTokens: 4, cacheWriteInputTokens: 0, outputTokens: 3 },
      response: { usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 } },
    })
    expect(whole).toMatchObject({
      usage: { inputTokens: 7, outputTokens: 2 },
      response: { id: "chatcmpl-1", choices: [{ message: { content: "Whole." } }] },
    })
  })

  test("what it throws is decided as a provider's failure", async () => {
    const s = await scene()
    const tries: Record<string, number[]> = {}
    await s.start(1, {
      processor: async ({ messages }) => {
        const text = String(messages[0]?.content)
        tries[text] = [...(tries[text] ?? []), Date.now()]
        if (text === "for good") throw Object.assign(new Error("No."), { retryable: false, code: "E_OWN" })
        if (text === "nothing") return Promise.reject(undefined)
        if (text === "unreadable") return { choices: [] }
        if (text === "later" && tries[text].length === 1)
          throw Object.assign(new Error("Wait."), { retryAfterMs: 700 })
        if (text === "account" && tries[text].length === 1)
          throw { code: "provider_rejected", message: "Refused." }
        return "Done."
      },
    })
    const [good = "", nothing = "", unreadable = "", later = "", account = ""] = await s.enqueue(
      { text: "for good" },
      { text: "nothing", maxRetries: 1 },
      { text: "unreadable" },
      { text: "later" },
      { text: "account" },
    )
    const [forGood, twice, bad, refused] = await s.ended([good, nothing, unreadable, account], "failed")
    expect(forGood).toMatchObject({ error: { code: "internal", message: "No.", retryable: false } })
    expect(twice?.attempts.map(({ result }) => result)).toEqual(["retry", "failed"])
    expect(bad).toMatchObject({ error: { code: "provider_invalid_response" }, attempts: [{ number: 1 }] })
    expect(bad?.error?.message).toContain("must be a string, or a chat completion")
    expect(refused).toMatchObject({ error: { code: "provider_rejected", message: "Refused." } })
    await s.ended([later])
    const [first = 0, second = 0] = tries.later ?? []
    expect(second - first).toBeGreaterThanOrEqual(700)
  })

  test("its signal ends it when the request is cancelled, and when its time is over", async () => {
    const s = await scene()
    const reasons: unknown[] = []
    await s.start(1, {
      processor: (_request, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason)
            reject(signal.reason)
          })
        }),
    })
    const [timed = ""] = await s.enqueue({ text: "late", timeoutMs: 1000, maxRetries: 0 })
    const [status] = await s.ended([timed], "failed")
    expect(status).toMatchObject({ error: { code: "timeout" }, attempts: [{ possiblyBilled: true }] })

    const [cancelled = ""] = await s.enqueue("cancelled")
    await eventually(async () => (await s.status(cancelled))?.state === "processing")
    await s.queue.cancel(cancelled)
    await eventually(() => reasons.length === 2)
    expect(await s.status(cancelled)).toMatchObject({ state: "cancelled" })
  })
})
