import { expect, test } from "vitest"
import { withLimits } from "../helpers/claims.ts"
import { CLAIM, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

async function enqueueMany(queue: TestQueue, count: number, overrides = {}): Promise<string[]> {
  const requests = Array.from({ length: count }, () => queue.newRequest(overrides))
  await queue.enqueue(requests)
  return requests.map(({ head }) => head.requestId)
}

/** Starts and ends one request per `everyMs`, that many times. */
async function drainSteadily(queue: TestQueue, times: number, everyMs: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    queue.clock.advance(everyMs)
    await queue.settle([settlement(await queue.takeOne(), "completed")])
  }
}

/** From now, ms. */
async function estimateOf(queue: TestQueue, id = "") {
  const { estimatedStartAt = null, position = null } = (await queue.status(id, null)) ?? {}
  if (estimatedStartAt === null) return null
  const { p50, p90 } = estimatedStartAt
  return { p50: p50 - queue.clock(), p90: p90 - queue.clock(), position: position ?? 0 }
}

describeQueue("when a request can be expected to start", ({ kind, open }) => {
  test("is not known of a line that has started nothing", async () => {
    const queue = open()
    const [id] = await enqueueMany(queue, 30)
    const [other] = await enqueueMany(queue, 1, { provider: "anthropic" })
    expect(await estimateOf(queue, id)).toBe(null)
    await drainSteadily(queue, 10, 1000)
    const ids = await enqueueMany(queue, 1)
    expect(await estimateOf(queue, ids[0])).not.toBe(null)
    expect((await queue.status(other ?? "", null))?.state).toBe("pending")
    const [unstarted] = await enqueueMany(queue, 1, { provider: "deepseek" })
    expect(await estimateOf(queue, unstarted)).toBe(null)
  })

  test("is its position over the rate at which its line has been starting", async () => {
    const queue = open()
    const ids = await enqueueMany(queue, 100)
    await drainSteadily(queue, 40, 1000)
    for (const id of [ids[44], ids[59], ids[99]]) {
      const estimate = await estimateOf(queue, id)
      if (estimate === null) throw new Error("nothing is estimated")
      const { p50, p90, position } = estimate
      expect(p50).toBeGreaterThan(0.7 * position * 1000)
      expect(p50).toBeLessThan(1.3 * position * 1000)
      expect(p90).toBeGreaterThan(p50)
    }
  })

  test("follows the rate: one that has become slower says later", async () => {
    const queue = open()
    const ids = await enqueueMany(queue, 100)
    const last = ids[99]
    await drainSteadily(queue, 30, 200)
    const fast = await estimateOf(queue, last)
    await drainSteadily(queue, 30, 5000)
    const slow = await estimateOf(queue, last)
    expect((slow?.p50 ?? 0) / (slow?.position ?? 1)).toBeGreaterThan(
      (5 * (fast?.p50 ?? 0)) / (fast?.position ?? 1),
    )
  })

  test("is later the further back, and never in the past", async () => {
    const queue = open()
    const ids = await enqueueMany(queue, 30)
    await drainSteadily(queue, 10, 300)
    let previous = 0
    for (const id of ids.slice(10)) {
      const { p50, p90 } = (await estimateOf(queue, id)) ?? { p50: 0, p90: 0 }
      expect(p50).toBeGreaterThan(previous)
      expect(p90).toBeGreaterThanOrEqual(p50)
      previous = p50
    }
  })

  test("is told in lists too, of pending requests only", async () => {
    const queue = open()
    const [, , third = ""] = await enqueueMany(queue, 3)
    await drainSteadily(queue, 1, 1000)
    const claimed = await queue.takeOne()
    const [scheduled = ""] = await enqueueMany(queue, 1, { scheduledAt: queue.clock() + 5000 })
    const { data } = await queue.list({ state: null, organizationId: "org-1", limit: 10, cursor: null })
    const told = new Map(data.map(({ requestId, estimatedStartAt }) => [requestId, estimatedStartAt]))
    expect(told.get(claimed.lease.requestId)).toBe(null)
    expect(told.get(scheduled)).toBe(null)
    expect(told.get(third)).toEqual((await queue.status(third, null))?.estimatedStartAt)
    expect(told.get(third)).not.toBe(null)
  })

  test("does not call a line slow that was merely empty", async () => {
    const queue = open()
    for (let i = 0; i < 5; i++) {
      await enqueueMany(queue, 1)
      queue.clock.advance(20)
      await queue.settle([settlement(await queue.takeOne(), "completed")])
      await queue.take()
      queue.clock.advance(45_000)
    }
    const [id] = await enqueueMany(queue, 1)
    expect((await estimateOf(queue, id))?.p50).toBeLessThan(5000)
  })

  test("is forgotten when nothing has started for a long time", async () => {
    const queue = open()
    const ids = await enqueueMany(queue, 20)
    await drainSteadily(queue, 10, 1000)
    expect(await estimateOf(queue, ids[19])).not.toBe(null)
    queue.clock.advance(3_600_000)
    expect(await estimateOf(queue, ids[19])).toBe(null)
  })

  test("holds for routes and fallbacks, each in its own line", async () => {
    const queue = open()
    const route = [{ provider: "anthropic", model: "m", weight: 1 }]
    const lines = [
      { provider: "auto", model: "fast", route },
      { fallbacks: [{ provider: "anthropic", model: "m" }] },
    ]
    for (const line of lines) {
      const ids = await enqueueMany(queue, 10, line)
      await drainSteadily(queue, 5, 1000)
      expect((await estimateOf(queue, ids[9]))?.position).toBe(5)
      await queue.settle((await queue.take()).requests.map((each) => settlement(each, "completed")))
    }
  })

  // The embedded store is slow, and the other shows it as well.
  test.runIf(kind === "redis")("comes true under a limit", async () => {
    const queue = open(withLimits({ openai: { rpm: 120 } }))
    const ids = await enqueueMany(queue, 120)
    const pass = async (untilAt: number, sought?: string): Promise<number | null> => {
      for (let turn = 0; turn < 500; turn++) {
        const { requests, wakeAt } = await queue.take()
        if (requests.some(({ lease }) => lease.requestId === sought)) return queue.clock()
        await queue.turn(
          requests.map((each) => settlement(each, "completed")),
          { ...CLAIM, limit: 0 },
        )
        if (wakeAt === null || wakeAt > untilAt) return null
        queue.clock.set(wakeAt)
      }
      return null
    }
    await pass(queue.clock() + 20_000)
    const last = ids[119] ?? ""
    const { estimatedStartAt } = (await queue.status(last, null)) ?? {}
    if (!estimatedStartAt) throw new Error("nothing is estimated")
    const toldAt = queue.clock()
    const startedAt = await pass(toldAt + 600_000, last)
    if (startedAt === null) throw new Error("it has not started")
    const share = (startedAt - toldAt) / (estimatedStartAt.p50 - toldAt)
    expect(share).toBeGreaterThan(0.7)
    expect(share).toBeLessThan(1.4)
  })
})
