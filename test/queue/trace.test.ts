import { expect, test } from "vitest"
import { CLAIM, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
const LEASE_MS = 200_000

async function enqueueTraced(queue: TestQueue, overrides: Parameters<TestQueue["newRequest"]>[0] = {}) {
  const request = { ...queue.newRequest(overrides), trace: TRACE }
  await queue.enqueue([request])
  return request.head.requestId
}

describeQueue("a request's trace", ({ open }) => {
  test("goes along through retries, returns and lost leases, each with the instant since when it is due", async () => {
    const queue = open()
    const { clock } = queue
    await enqueueTraced(queue)
    const enqueuedAt = clock()
    clock.advance(700)
    const first = await queue.takeOne()
    expect(first).toMatchObject({ lease: { trace: TRACE }, dueAt: enqueuedAt })

    const dueAt = clock() + 2000
    await queue.settle([settlement(first, "retry", { dueAt })])
    clock.advance(5000)
    const second = await queue.takeOne()
    expect(second).toMatchObject({ lease: { attempt: 2, trace: TRACE }, dueAt })

    // As if it had never been claimed: it goes on waiting.
    await queue.settle([settlement(second, "release")])
    clock.advance(100)
    const again = await queue.takeOne()
    expect(again).toMatchObject({ lease: { attempt: 2, trace: TRACE }, dueAt })

    await queue.settle([settlement(again, "return", { code: "provider_auth" })])
    const returnedAt = clock()
    clock.advance(300)
    expect(await queue.takeOne()).toMatchObject({ lease: { attempt: 3, trace: TRACE }, dueAt: returnedAt })

    clock.advance(LEASE_MS)
    const lostAt = clock()
    expect(await queue.takeOne()).toMatchObject({ lease: { attempt: 4, trace: TRACE }, dueAt: lostAt })
  })

  test("stays with a dead letter and its replay, which is due anew", async () => {
    const queue = open()
    const id = await enqueueTraced(queue)
    const first = await queue.takeOne()
    await queue.settle([settlement(first, "retry", { dueAt: queue.clock() })])
    await queue.settle([settlement(await queue.takeOne(), "failed")])
    queue.clock.advance(60_000)
    const replayed = await queue.replay(id, null, { deadlineAt: null })
    expect(replayed).toMatchObject({ kind: "replayed", trace: TRACE })
    const replayedAt = queue.clock()
    queue.clock.advance(10)
    expect(await queue.takeOne()).toMatchObject({ lease: { attempt: 3, trace: TRACE }, dueAt: replayedAt })
  })

  test("is told with what is overdue, and with a cancel that ends it", async () => {
    const queue = open()
    await enqueueTraced(queue, { deadlineAt: queue.clock() + 1000 })
    queue.clock.advance(2000)
    const { overdue } = await queue.take()
    expect(overdue).toMatchObject([{ reason: "deadline_exceeded", lease: { trace: TRACE } }])

    const id = await enqueueTraced(queue, { organizationId: "org-9" })
    const cancelled = { kind: "cancelled", owner: null, attempt: 0, organizationId: "org-9", trace: TRACE }
    expect(await queue.cancel(id, null)).toEqual(cancelled)
    expect(await queue.cancel(id, null)).toEqual(cancelled)
  })

  test("is each request's own in a bulk and in a claim, and none where none was given", async () => {
    const queue = open()
    const traces = [TRACE, undefined, TRACE.replace("4bf9", "aaaa")]
    const requests = traces.map((trace) => ({ ...queue.newRequest(), ...(trace && { trace }) }))
    await queue.enqueue(requests)
    const { requests: claimed } = await queue.claim(CLAIM)
    const told = new Map(claimed.map(({ lease }) => [lease.requestId, lease.trace]))
    expect(requests.map(({ head }) => told.get(head.requestId))).toEqual(traces.map((trace) => trace ?? ""))
  })
})
