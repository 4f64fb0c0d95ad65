import { describe, expect, it } from "vitest"
import { scriptSha } from "../../dev/script-sha.ts"
import type { AIRequestQueue } from "../../src/library/index.ts"
import { eventually } from "../helpers/eventually.ts"
import { createTestQueue } from "../helpers/queue.ts"
import { describeLibrary, MESSAGES, newName } from "./suite.ts"

const enqueue = (queue: AIRequestQueue, more: Parameters<AIRequestQueue["enqueue"]>[3] = {}) =>
  queue.enqueue("openai", "gpt-5", MESSAGES, more)

describeLibrary("dequeue", ({ open, store }) => {
  it("takes the best of all lines, with all that a call needs", async () => {
    const queue = open()
    expect(await queue.dequeue()).toBeNull()
    const later = await queue.enqueue("anthropic", "claude", MESSAGES, { priority: "low" })
    const options = { temperature: 0 }
    const first = await queue.enqueue("deepseek", "deepseek-flash", MESSAGES, {
      priority: "critical",
      options,
    })
    const now = Date.now()
    const request = await queue.dequeue()
    expect(request).toMatchObject({
      ...{ requestId: first, provider: "deepseek", model: "deepseek-flash", messages: MESSAGES, options },
      ...{ target: { provider: "deepseek", model: "deepseek-flash" }, attempt: 1, retries: 0 },
    })
    expect(request?.leaseExpiresAt).toBeGreaterThan(now + 60_000)
    expect(await queue.getRequestStatus(first)).toMatchObject({ state: "processing" })
    expect(await queue.dequeue()).toMatchObject({ requestId: later })
    expect(await queue.dequeue()).toBeNull()
    await Promise.all([first, later].map((requestId) => queue.complete(requestId, "Done.")))
  })

  it("says whom to call for a route", async () => {
    const target = { provider: "deepseek", model: "deepseek-flash" }
    const queue = open({ env: { ROUTES: JSON.stringify({ fast: [target] }) } })
    const requestId = await queue.enqueue("auto", "fast", MESSAGES)
    expect(await queue.dequeue()).toMatchObject({ requestId, provider: "auto", model: "fast", target })
    await queue.complete(requestId, "Done.")
    expect((await queue.getRequestStatus(requestId))?.attempts).toMatchObject([target])
  })

  it("hands each request to one, however many ask at once, also when an answer of the store is lost", async () => {
    const queueName = newName()
    const [one, other] = [open({ queueName }), open({ queueName })]
    const entry = { provider: "openai", model: "gpt-5", messages: MESSAGES }
    const ids = await one.enqueueMany(Array.from({ length: 29 }, () => entry))
    for (const when of ["before", "after"] as const) {
      store().bridge.faults.inject({ fault: "drop", when, contains: scriptSha("claim"), times: 2 })
    }
    const taken = await Promise.all(Array.from({ length: 29 }, (_, i) => (i % 2 ? one : other).dequeue()))
    expect(taken.map((request) => request?.requestId).sort()).toEqual(ids.sort())
    expect(
      store()
        .bridge.faults.list()
        .every(({ fired }) => fired === 2),
    ).toBe(true)
    const settled = taken.map((request, i) =>
      (i % 2 ? one : other).complete(request?.requestId ?? "", "Done."),
    )
    expect(await Promise.all(settled)).not.toContain(false)
  })

  it("takes several at once, at most as many as asked for", async () => {
    const queue = open()
    for (let i = 0; i < 3; i++) await enqueue(queue)
    const two = await queue.dequeueMany(2)
    expect(two).toHaveLength(2)
    expect(await queue.dequeueMany(1000)).toHaveLength(1)
    for (const count of [0, 1.5, 1001]) {
      await expect(queue.dequeueMany(count)).rejects.toMatchObject({ code: "invalid_request" })
    }
  })

  it("fails what is past its deadline by itself", async () => {
    const queue = open()
    const dueAt = Date.now() + 30
    const requestId = await enqueue(queue, { scheduledAt: dueAt, deadlineAt: dueAt })
    const status = await eventually(async () => {
      expect(await queue.dequeue()).toBeNull()
      const found = await queue.getRequestStatus(requestId)
      return found?.state === "failed" ? found : null
    })
    expect(status?.error).toMatchObject({ code: "deadline_exceeded" })
  })

  it("hands out what it claimed although the store did not take the end of something else", async () => {
    const queue = open()
    const dueAt = Date.now() + 30
    const overdue = await enqueue(queue, { scheduledAt: dueAt, deadlineAt: dueAt })
    await eventually(() => Date.now() > dueAt)
    const requestId = await enqueue(queue)
    store().bridge.faults.inject({ fault: "status", status: 500, contains: scriptSha("settle") })
    expect(await queue.dequeue()).toMatchObject({ requestId })
    store().bridge.faults.clear()
    expect(await queue.complete(requestId, "Done.")).toBe(true)
    // Its lease of 30 s has to run out, then it is handed out again.
    expect(await queue.getRequestStatus(overdue)).toMatchObject({ state: "processing" })
  })

  it("does the hourly work when it is due", async () => {
    const queueName = newName()
    const queue = open({ queueName, env: { RESULT_TTL_SECONDS: "60" } })
    const requestId = await enqueue(queue)
    await queue.dequeue()
    await queue.complete(requestId, "Done.")
    const { keys } = createTestQueue(store(), { name: queueName })
    await store().redis.hSet(keys.meta, "maintainedAt", Date.now() - 3_700_000)
    // Only maintenance looks for organizations that have nothing left.
    const organization = "live:default"
    expect(await store().redis.hGet(keys.meta, organization)).toBe("0")
    expect(await queue.dequeue()).toBeNull()
    expect(await store().redis.hGet(keys.meta, organization)).toBeNull()
  })
})

describeLibrary("a lease", ({ open, store }) => {
  it("is remembered until the request is settled, and needed for that", async () => {
    const queue = open()
    const requestId = await enqueue(queue)
    const refused = { name: "NotLeasedError", code: "conflict", requestId, message: /dequeue it first/ }
    const expectRefused = async () => {
      for (const act of [
        () => queue.complete(requestId, "Done."),
        () => queue.fail(requestId, "No."),
        () => queue.extendLease(requestId, 1000),
      ]) {
        await expect(act()).rejects.toMatchObject({
          ...refused,
          message: expect.stringMatching(refused.message),
        })
      }
    }
    await expectRefused()
    await queue.dequeue()
    expect(await queue.complete(requestId, "Done.")).toBe(true)
    await expectRefused()
  })

  it("outlasts a store that did not take the answer", async () => {
    const queue = open()
    const requestId = await enqueue(queue)
    await queue.dequeue()
    const undo = store().bridge.faults.inject({ fault: "status", status: 500, contains: scriptSha("settle") })
    await expect(queue.complete(requestId, "Done.")).rejects.toMatchObject({ code: "store_unavailable" })
    undo()
    expect(await queue.complete(requestId, "Done.")).toBe(true)
    expect(await queue.getRequestStatus(requestId)).toMatchObject({ state: "completed" })
  })

  it("can be extended while it is held", async () => {
    const queueName = newName()
    const queue = open({ queueName })
    const requestId = await enqueue(queue)
    const request = await queue.dequeue()
    const { keys } = createTestQueue(store(), { name: queueName })
    const expiry = () => store().redis.zScore(keys.leases("openai"), requestId)
    expect(await expiry()).toBe(request?.leaseExpiresAt)
    expect(await queue.extendLease(requestId, 1000)).toBe(true)
    expect(await expiry(), "a lease is not shortened").toBe(request?.leaseExpiresAt)
    const before = Date.now()
    expect(await queue.extendLease(requestId, 600_000)).toBe(true)
    expect(await expiry()).toBeGreaterThanOrEqual(before + 600_000)
    for (const ms of [0, 0.5, 3_600_001]) {
      await expect(queue.extendLease(requestId, ms)).rejects.toMatchObject({ code: "invalid_request" })
    }
    await queue.cancel(requestId)
    expect(await queue.extendLease(requestId, 1000)).toBe(false)
    expect(await queue.complete(requestId, "Too late.")).toBe(false)
    expect(await queue.getRequestStatus(requestId)).toMatchObject({ state: "cancelled", response: null })
  })
})

describe("two processes", () => {
  describeLibrary("one dequeues, another settles", ({ open }) => {
    it("by the number of the attempt", async () => {
      const queueName = newName()
      const [one, other] = [open({ queueName }), open({ queueName })]
      const requestId = await enqueue(one, { organizationId: "org-9", resultTtlSeconds: 600 })
      await one.dequeue()
      expect(await other.complete(requestId, "Done.", { attempt: 1 })).toBe(true)
      const status = await one.getRequestStatus(requestId)
      expect(status).toMatchObject({
        ...{ state: "completed", organizationId: "org-9", error: null },
        attempts: [{ number: 1, provider: "openai", model: "gpt-5", result: "completed" }],
      })
      // It keeps its lease, which no longer means anything.
      expect(await one.complete(requestId, "Done again.")).toBe(true)
      expect((await one.getRequestStatus(requestId))?.response?.choices[0]?.message.content).toBe("Done.")
    })

    it("with the whole request that it was handed", async () => {
      const queueName = newName()
      const [one, other] = [open({ queueName }), open({ queueName })]
      await enqueue(one)
      const request = await one.dequeue()
      if (request === null) throw new Error("nothing to dequeue")
      expect(await other.fail(request.requestId, "Not now.", request)).toBe(true)
      const again = await eventually(() => other.dequeue())
      expect(again).toMatchObject({ requestId: request.requestId, attempt: 2, retries: 1 })
      expect(await one.fail(request.requestId, { code: "provider_rejected" }, { attempt: 2 })).toBe(false)
    })

    it("counts the retries of the others", async () => {
      const queueName = newName()
      const [one, other] = [open({ queueName }), open({ queueName })]
      const requestId = await enqueue(one, { maxRetries: 1 })
      await one.dequeue()
      expect(await other.fail(requestId, "First.", { attempt: 1 })).toBe(true)
      await eventually(() => one.dequeue())
      expect(await other.fail(requestId, "Second.", { attempt: 2 })).toBe(false)
      expect(await other.replay(requestId)).toBe("replayed")
      await one.dequeue()
      expect(await other.fail(requestId, "Third.", { attempt: 3 })).toBe(true)
    })

    it("of a request that exists", async () => {
      const queue = open()
      const unknown = `req_${"0".repeat(23)}`
      const found = { code: "not_found" }
      await expect(queue.complete(unknown, "Done.", { attempt: 1 })).rejects.toMatchObject(found)
      await expect(queue.fail("no id", "No.", { attempt: 1 })).rejects.toMatchObject(found)
      await expect(queue.fail(unknown, "No.", { attempt: 0 })).rejects.toMatchObject({
        code: "invalid_request",
      })
    })
  })
})
