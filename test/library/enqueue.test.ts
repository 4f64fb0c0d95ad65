import { expect, it } from "vitest"
import { describeLibrary, MESSAGES, newName } from "./suite.ts"

describeLibrary("enqueue", ({ open, worker }) => {
  it("stores what the HTTP API then shows", async () => {
    const queueName = newName()
    const scheduledAt = Date.now() + 60_000
    const requestId = await open({ queueName }).enqueue("anthropic", "claude", MESSAGES, {
      ...{ priority: "high", organizationId: "org-7", scheduledAt, deadlineAt: scheduledAt + 1 },
      ...{ options: { temperature: 0.5 }, providerOptions: { top_k: 5 }, metadata: { trace: "abc" } },
      ...{ timeoutMs: 5000, maxRetries: 1, resultTtlSeconds: 60 },
    })
    const { status, body } = await worker(queueName)("GET", `/v1/requests/${requestId}?include=messages`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      ...{ requestId, state: "scheduled", provider: "anthropic", model: "claude", messages: MESSAGES },
      ...{ priority: "high", organizationId: "org-7", scheduledAt, deadlineAt: scheduledAt + 1 },
      ...{ metadata: { trace: "abc" }, timeoutMs: 5000, maxRetries: 1, resultTtlSeconds: 60 },
    })
  })

  it("fills in the defaults, and takes an undefined option for none", async () => {
    const queue = open()
    // As callers without exact optional types write it.
    const requestId = await queue.enqueue("openai", "gpt-5", MESSAGES, {
      ...({ priority: undefined } as object),
    })
    expect(await queue.getRequestStatus(requestId)).toMatchObject({
      ...{ state: "pending", position: 1, priority: "normal", organizationId: "default" },
      ...{ maxRetries: 3, timeoutMs: 30_000, resultTtlSeconds: 86_400, metadata: {}, deadlineAt: null },
    })
  })

  it("tells all that is wrong, by place, and stores nothing", async () => {
    const queue = open()
    const wrong = queue.enqueue("openai", "", [{ role: "user", content: "" }], {
      maxRetries: 11,
      delayMs: -1,
    })
    await expect(wrong).rejects.toMatchObject({
      code: "invalid_request",
      errors: expect.arrayContaining([
        expect.objectContaining({ path: "/model" }),
        expect.objectContaining({ path: "/maxRetries" }),
        expect.objectContaining({ path: "/delayMs" }),
      ]),
    })
    await expect(queue.enqueue("groq", "llama", MESSAGES)).rejects.toMatchObject({
      code: "provider_not_configured",
      errors: [{ path: "/provider" }],
    })
    const many = queue.enqueueMany([
      { provider: "openai", model: "gpt-5", messages: MESSAGES },
      { provider: "openai", model: "gpt-5", messages: [] },
    ])
    await expect(many).rejects.toMatchObject({ errors: [{ path: "/requests/1/messages" }] })
    expect((await queue.getQueueStats()).counts.pending).toBe(0)
  })

  it("refuses what cannot be kept", async () => {
    const queue = open({ env: { MAX_REQUEST_BYTES: "2000" } })
    const long = [{ role: "user" as const, content: "ä".repeat(1000) }]
    await expect(queue.enqueue("openai", "gpt-5", long)).rejects.toMatchObject({ code: "too_large" })
    const entry = { provider: "openai", model: "gpt-5", messages: long }
    await expect(queue.enqueueMany([entry])).rejects.toMatchObject({
      code: "too_large",
      message: expect.stringContaining("/requests/0"),
    })
    const circular: Record<string, unknown> = {}
    circular.self = circular
    const deep = JSON.parse(`${"[".repeat(300)}${"]".repeat(300)}`)
    for (const options of [circular, { deep }, { large: 2n ** 70n }]) {
      await expect(queue.enqueue("openai", "gpt-5", MESSAGES, { options })).rejects.toMatchObject({
        status: 400,
      })
    }
  })

  it("stores a bulk in one go, in order", async () => {
    const queue = open()
    const entries = ["low", "critical", "normal"] as const
    const ids = await queue.enqueueMany(
      entries.map((priority) => ({ provider: "openai", model: "gpt-5", messages: MESSAGES, priority })),
    )
    const taken = await queue.dequeueMany(10)
    expect(taken.map(({ requestId }) => requestId)).toEqual([ids[1], ids[2], ids[0]])
    for (const { requestId } of taken) await queue.complete(requestId, "Done.")
  })

  it("stores once under one key", async () => {
    const queue = open()
    const options = { organizationId: "org-1", idempotencyKey: "order 7" }
    const requestId = await queue.enqueue("openai", "gpt-5", MESSAGES, options)
    expect(await queue.enqueue("openai", "gpt-5", MESSAGES, options)).toBe(requestId)
    const other = queue.enqueue("openai", "gpt-5-mini", MESSAGES, options)
    await expect(other).rejects.toMatchObject({ code: "idempotency_mismatch" })
    const empty = queue.enqueue("openai", "gpt-5", MESSAGES, { idempotencyKey: "" })
    await expect(empty).rejects.toMatchObject({ code: "invalid_request" })
    expect((await queue.getQueueStats()).counts.pending).toBe(1)
  })
})
