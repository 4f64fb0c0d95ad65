import { expect, it } from "vitest"
import { eventually } from "../helpers/eventually.ts"
import { describeLibrary, MESSAGES, newName } from "./suite.ts"

const UNKNOWN = `req_${"0".repeat(23)}`

describeLibrary("the other methods", ({ open, store, worker }) => {
  it("cancel, discard and replay say what became of the request, and the audit knows", async () => {
    const queueName = newName()
    const queue = open({ queueName })
    const [one = "", two = "", three = ""] = await queue.enqueueMany(
      Array.from({ length: 3 }, () => ({ provider: "openai", model: "gpt-5", messages: MESSAGES })),
    )
    expect(await queue.cancel(one)).toBe("cancelled")
    expect(await queue.cancel(one)).toBe("cancelled")
    expect(await queue.replay(one)).toBe("conflict")
    await queue.dequeueMany(2)
    await queue.complete(two, "Done.")
    expect(await queue.cancel(two)).toBe("completed")
    await queue.fail(three, { retryable: false })
    const past = queue.replay(three, { deadlineAt: 1 })
    await expect(past).rejects.toMatchObject({ errors: [{ path: "/deadlineAt" }] })
    const deadlineAt = Date.now() + 60_000
    expect(await queue.replay(three, { deadlineAt })).toBe("replayed")
    expect(await queue.getRequestStatus(three)).toMatchObject({ state: "pending", replays: 1, deadlineAt })
    await queue.dequeue()
    await queue.fail(three, { retryable: false })
    expect(await queue.cancel(three)).toBe("discarded")
    for (const id of [UNKNOWN, "no id"]) {
      expect(await queue.cancel(id)).toBe("unknown")
      expect(await queue.replay(id)).toBe("unknown")
      expect(await queue.getRequestStatus(id)).toBeNull()
    }
    const { body } = await worker(queueName)("GET", "/v1/audit")
    const actions = body.data.map(
      ({ action, target }: { action: string; target: string }) => `${action} ${target}`,
    )
    expect(actions).toEqual(
      expect.arrayContaining([
        `request.cancelled ${one}`,
        `request.replayed ${three}`,
        `request.discarded ${three}`,
      ]),
    )
  })

  it("status, stats and cleanup are the HTTP API's", async () => {
    const queueName = newName()
    const queue = open({ queueName })
    const call = worker(queueName)
    const requestId = await queue.enqueue("openai", "gpt-5", MESSAGES)
    expect(await queue.getRequestStatus(requestId, { includeMessages: true })).toEqual(
      (await call("GET", `/v1/requests/${requestId}?include=messages`)).body,
    )
    await queue.cancel(requestId)
    expect((await queue.getQueueStats()).counts).toEqual((await call("GET", "/v1/stats")).body.counts)
    await expect(queue.cleanup(-1)).rejects.toMatchObject({ errors: [{ path: "/olderThanSeconds" }] })
    expect(await queue.cleanup()).toEqual({ completed: 0, failed: 0, cancelled: 0 })
    await eventually(async () => (await queue.cleanup(0)).cancelled === 1)
    expect(await queue.getRequestStatus(requestId)).toBeNull()
  })

  it("waitFor answers once the request has ended", async () => {
    const queue = open()
    const [one, two] = [
      await queue.enqueue("openai", "gpt-5", MESSAGES),
      await queue.enqueue("openai", "gpt-5", MESSAGES),
    ]
    const waiting = Promise.all([queue.waitFor(one), queue.waitFor(two)])
    await queue.dequeueMany(2)
    await queue.complete(one, "Done.")
    await queue.fail(two, { retryable: false, message: "No." })
    expect(await waiting).toMatchObject([
      { state: "completed", response: { choices: [{ message: { content: "Done." } }] } },
      { state: "failed", error: { message: "No." } },
    ])
  })

  it("waitFor gives up when the time is up, when it is told to, and on what nobody knows", async () => {
    const queue = open()
    const requestId = await queue.enqueue("openai", "gpt-5", MESSAGES, { delayMs: 60_000 })
    await expect(queue.waitFor(requestId, { timeoutMs: 50 })).rejects.toMatchObject({
      ...{ name: "WaitTimeoutError", requestId, status: { state: "scheduled" } },
    })
    const controller = new AbortController()
    const waiting = queue.waitFor(requestId, { signal: controller.signal })
    controller.abort(new Error("Nobody waits any more."))
    await expect(waiting).rejects.toThrow("Nobody waits any more.")
    await expect(queue.waitFor(UNKNOWN)).rejects.toMatchObject({ code: "not_found" })
    await expect(queue.waitFor(requestId, { timeoutMs: Number.NaN })).rejects.toMatchObject({
      code: "invalid_request",
    })
  })

  it("waitFor sleeps until a request is due, and outlasts a store that is away", async () => {
    const queue = open()
    const requestId = await queue.enqueue("openai", "gpt-5", MESSAGES, { delayMs: 1500 })
    const before = store().bridge.counters.requests
    const waiting = queue.waitFor(requestId, { timeoutMs: 10_000 })
    const request = await eventually(() => queue.dequeue(), { everyMs: 500 })
    // At most 10 of these are dequeues of the test.
    expect(store().bridge.counters.requests - before).toBeLessThan(15)
    const undo = store().bridge.faults.inject({ fault: "drop" })
    await eventually(() => store().bridge.faults.list()[0]?.fired)
    undo()
    await queue.complete(request?.requestId ?? "", "Done.")
    expect(await waiting).toMatchObject({ state: "completed" })
  })
})
