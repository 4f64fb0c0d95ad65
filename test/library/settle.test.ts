import { expect, it } from "vitest"
import type { AIRequestQueue, Answer, FailureReport } from "../../src/library/index.ts"
import { eventually } from "../helpers/eventually.ts"
import { describeLibrary, MESSAGES, newName } from "./suite.ts"

describeLibrary("settling", ({ open }) => {
  async function dequeued(queue: AIRequestQueue, more: Parameters<AIRequestQueue["enqueue"]>[3] = {}) {
    await queue.enqueue("openai", "gpt-5", MESSAGES, more)
    const request = await queue.dequeue()
    if (request === null) throw new Error("nothing to dequeue")
    return request.requestId
  }

  it("keeps a text as a chat completion", async () => {
    const queue = open()
    const requestId = await dequeued(queue)
    expect(await queue.complete(requestId, "Good morning.")).toBe(true)
    expect(await queue.getRequestStatus(requestId)).toMatchObject({
      ...{ state: "completed", usage: null, error: null },
      response: {
        ...{ id: requestId, object: "chat.completion", model: "gpt-5", created: expect.any(Number) },
        choices: [
          { index: 0, message: { role: "assistant", content: "Good morning." }, finish_reason: "stop" },
        ],
      },
      attempts: [{ number: 1, result: "completed", possiblyBilled: false }],
    })
  })

  it("keeps a completion as an SDK gives it, with its usage", async () => {
    const queue = open()
    const requestId = await dequeued(queue)
    const toolCall = { id: "call_1", type: "function", function: { name: "find", arguments: "{}" } }
    const completion = {
      ...{ id: "chatcmpl-1", object: "chat.completion", created: 7, model: "gpt-5-2026", service_tier: null },
      choices: [
        { index: 0, message: { content: null, tool_calls: [toolCall] }, finish_reason: "tool_calls" },
      ],
      usage: { prompt_tokens: 9, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 3 } },
    }
    await queue.complete(requestId, completion)
    expect(await queue.getRequestStatus(requestId)).toMatchObject({
      response: {
        ...{ id: "chatcmpl-1", created: 7, model: "gpt-5-2026" },
        choices: [{ message: { role: "assistant", tool_calls: [toolCall] }, finish_reason: "tool_calls" }],
      },
      usage: { inputTokens: 9, cachedInputTokens: 3, outputTokens: 4 },
    })
  })

  it("refuses what is no answer, and keeps the lease for a better one", async () => {
    const queue = open({ env: { MAX_RESULT_BYTES: "1024" } })
    const requestId = await dequeued(queue)
    const wrong = [{}, { choices: [] }, { choices: [{ message: { content: 7 } }] }, { error: "No." }, null]
    for (const answer of wrong) {
      const refused = queue.complete(requestId, answer as unknown as Answer)
      await expect(refused).rejects.toMatchObject({ code: "invalid_request" })
    }
    await expect(queue.complete(requestId, "x".repeat(1024))).rejects.toMatchObject({ code: "too_large" })
    expect(await queue.complete(requestId, "Short.")).toBe(true)
  })

  it("retries what passes until the retries are used up, with each attempt in the history", async () => {
    const queue = open()
    const requestId = await dequeued(queue, { maxRetries: 2 })
    expect(await queue.fail(requestId, new Error("The first one."))).toBe(true)
    expect(await queue.getRequestStatus(requestId)).toMatchObject({
      error: { code: "internal", message: "The first one.", retryable: true },
    })
    for (const [expected, message] of [
      [true, "The second one."],
      [false, "The third one."],
    ] as const) {
      await eventually(() => queue.dequeue())
      expect(await queue.fail(requestId, message)).toBe(expected)
    }
    expect(await queue.getRequestStatus(requestId)).toMatchObject({
      ...{ state: "failed", error: { message: "The third one." } },
      attempts: [{ result: "retry" }, { result: "retry" }, { number: 3, result: "failed" }],
    })
  })

  it("does not retry what another try would not change", async () => {
    const queue = open()
    for (const error of [{ code: "provider_rejected" }, { retryable: false }] satisfies FailureReport[]) {
      const requestId = await dequeued(queue)
      expect(await queue.fail(requestId, error)).toBe(false)
      expect(await queue.getRequestStatus(requestId)).toMatchObject({ state: "failed" })
    }
  })

  it("tells errors by their names and members", async () => {
    const queue = open()
    const requestId = await dequeued(queue)
    const timedOut = await AbortSignal.timeout(1).reason
    const error = timedOut ?? new DOMException("Too slow.", "TimeoutError")
    expect(await queue.fail(requestId, error)).toBe(true)
    expect((await queue.getRequestStatus(requestId))?.error).toMatchObject({ code: "timeout" })
    await eventually(() => queue.dequeue())
    const refused = Object.assign(new Error("key sk-abcdef123456 is bad"), { retryable: false, code: "EBAD" })
    // The code is of another library; what else it says stands.
    expect(await queue.fail(requestId, refused)).toBe(false)
    expect((await queue.getRequestStatus(requestId))?.error).toMatchObject({
      ...{ code: "internal", message: "key [redacted] is bad", retryable: false },
    })
  })

  it("puts a retry off for as long as it was told, and fails it if that is past the deadline", async () => {
    const queue = open()
    const requestId = await dequeued(queue)
    const before = Date.now()
    expect(await queue.fail(requestId, { code: "internal", retryAfterMs: 60_000 })).toBe(true)
    const { scheduledAt = 0 } = (await queue.getRequestStatus(requestId)) ?? {}
    expect(scheduledAt).toBeGreaterThanOrEqual(before + 60_000)
    const late = await dequeued(queue, { deadlineAt: Date.now() + 30_000 })
    expect(await queue.fail(late, { retryAfterMs: 60_000 })).toBe(false)
    expect((await queue.getRequestStatus(late))?.error).toMatchObject({ code: "deadline_exceeded" })
  })

  it("lets an account's trouble be nobody's request's, and its provider wait", async () => {
    const queue = open()
    const requestId = await dequeued(queue, { maxRetries: 0 })
    expect(await queue.fail(requestId, { code: "provider_auth", message: "Key refused." })).toBe(true)
    expect(await queue.getRequestStatus(requestId)).toMatchObject({
      state: "pending",
      attempts: [{ number: 1 }],
    })
    expect((await queue.getQueueStats()).providers.openai).toMatchObject({ breaker: "open" })
  })

  it("goes on with a fallback when the target has trouble", async () => {
    const queueName = newName()
    const queue = open({ queueName })
    const fallbacks = [{ provider: "deepseek", model: "deepseek-flash" }]
    const requestId = await dequeued(queue, { fallbacks })
    expect(await queue.fail(requestId, { code: "provider_unavailable" })).toBe(true)
    const again = await eventually(() => queue.dequeue())
    expect(again).toMatchObject({ provider: "openai", target: fallbacks[0], attempt: 2 })
    // As another process would, with what it was handed.
    await open({ queueName }).complete(requestId, "Done.", again ?? { attempt: 2 })
    expect(await queue.getRequestStatus(requestId)).toMatchObject({
      ...{ state: "completed", response: { model: "deepseek-flash" } },
      attempts: [{ provider: "openai", result: "retry" }, fallbacks[0]],
    })
  })

  it("refuses a report that it does not understand", async () => {
    const queue = open()
    const requestId = await dequeued(queue)
    const report = { code: "broken", retryAfter: 3, retryAfterMs: -1 } as unknown as FailureReport
    await expect(queue.fail(requestId, report)).rejects.toMatchObject({
      code: "invalid_request",
      errors: expect.arrayContaining([
        expect.objectContaining({ path: "/code" }),
        expect.objectContaining({ path: "/retryAfter" }),
        expect.objectContaining({ path: "/retryAfterMs" }),
      ]),
    })
    await queue.complete(requestId, "Done.")
  })

  it("leaves the last word to whoever had it", async () => {
    const queue = open()
    const cancelled = await dequeued(queue)
    await queue.cancel(cancelled)
    expect(await queue.fail(cancelled, "Too late.")).toBe(false)
  })
})
