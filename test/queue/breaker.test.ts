import { expect, test } from "vitest"
import type { ClaimedRequest, TargetReport } from "../../src/queue/contract.ts"
import { providersOf } from "../helpers/claims.ts"
import { CLAIM, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const FAILURES = 5
const HOUR_MS = 3_600_000

async function enqueueMany(queue: TestQueue, count: number, overrides = {}): Promise<void> {
  await queue.enqueue(Array.from({ length: count }, () => queue.newRequest(overrides)))
}

/** What a call came to that told this of its provider; a failed one leaves the line for an hour. */
function ended(queue: TestQueue, claimed: ClaimedRequest, health: TargetReport["health"]) {
  const kind = health === "ok" ? "completed" : health === "account" ? "return" : "retry"
  return settlement(claimed, kind, { dueAt: queue.clock() + HOUR_MS, report: { health } })
}

/** That many calls of openai, one after the other. */
async function callOpenai(queue: TestQueue, times: number, health: TargetReport["health"]): Promise<void> {
  for (let i = 0; i < times; i++) await queue.settle([ended(queue, await queue.takeOne(), health)])
}

async function stateOf(queue: TestQueue) {
  const { blockedUntil, breaker } = (await queue.stats()).providers.openai ?? {}
  return { breaker, forMs: blockedUntil == null ? null : blockedUntil - queue.clock() }
}

/** Open, with the time to the probe over. */
async function openHalf(queue: TestQueue): Promise<void> {
  await callOpenai(queue, FAILURES, "trouble")
  queue.clock.advance(5000)
}

const CLOSED = { breaker: "closed", forMs: null }
const HALF_OPEN = { breaker: "half_open", forMs: null }

describeQueue("the breaker of a provider", ({ open, loseAnswerOf }) => {
  test("opens for 5 s after five failures in a row, for that provider alone, and everybody sees it", async () => {
    const queue = open()
    await enqueueMany(queue, 8)
    await callOpenai(queue, FAILURES - 1, "trouble")
    expect(await stateOf(queue)).toEqual(CLOSED)
    expect((await queue.health()).troubled).toEqual([])
    await callOpenai(queue, 1, "trouble")
    expect(await stateOf(queue)).toEqual({ breaker: "open", forMs: 5000 })
    expect(await queue.health()).toMatchObject({ troubled: ["openai"] })
    const openUntil = queue.clock() + 5000
    const [openai, ...others] = await queue.providers()
    expect(openai).toMatchObject({ breaker: "open", cause: "trouble", blockedUntil: openUntil })
    for (const other of others) expect(other).toMatchObject({ breaker: "closed", cause: null })
    await queue.enqueueEach({ provider: "anthropic" })
    const { requests, wakeAt, remaining } = await queue.take()
    expect(requests.map(({ head }) => head.provider)).toEqual(["anthropic"])
    expect([wakeAt, remaining]).toEqual([openUntil, 0])
    queue.clock.set(openUntil - 1)
    expect((await queue.sibling().take()).requests).toEqual([])
  })

  test("counts the failures of all its models together, also in one group", async () => {
    const queue = open()
    await queue.enqueueEach(...["a", "b", "c", "d", "e", "f"].map((model) => ({ model })))
    const { requests } = await queue.take({ limit: FAILURES })
    const settlements = requests.map((each) => ended(queue, each, "trouble"))
    const { claim } = await queue.turn(settlements, CLAIM)
    expect(claim).toMatchObject({ requests: [], wakeAt: queue.clock() + 5000 })
  })

  test("counts anew after an answer; what tells nothing neither counts nor ends the row", async () => {
    const queue = open()
    await enqueueMany(queue, 20)
    await callOpenai(queue, 4, "trouble")
    await callOpenai(queue, 1, "ok")
    await callOpenai(queue, 4, "trouble")
    await callOpenai(queue, 2, "unknown")
    expect(await stateOf(queue)).toEqual(CLOSED)
    await callOpenai(queue, 1, "trouble")
    expect(await stateOf(queue)).toMatchObject({ breaker: "open" })
  })

  test("a failure whose answer was lost counts once", async () => {
    const queue = open()
    await enqueueMany(queue, 6)
    for (let i = 0; i < FAILURES - 1; i++) {
      loseAnswerOf("settle")
      await callOpenai(queue, 1, "trouble")
    }
    expect(await stateOf(queue)).toEqual(CLOSED)
    await callOpenai(queue, 1, "trouble")
    expect(await stateOf(queue)).toMatchObject({ breaker: "open" })
  })

  test("opens for a minute at once when the account is refused", async () => {
    const queue = open()
    await enqueueMany(queue, 3)
    await callOpenai(queue, 1, "account")
    expect(await stateOf(queue)).toEqual({ breaker: "open", forMs: 60_000 })
    expect((await queue.providers())[0]).toMatchObject({ cause: "account" })
  })

  test.each([
    ["trouble", FAILURES, [5000, 10_000, 20_000, 40_000, 60_000, 60_000]],
    ["account", 1, [60_000, 120_000, 240_000, 300_000, 300_000]],
  ] as const)("stays open for longer with each probe that fails: %s", async (health, failures, durations) => {
    const queue = open()
    await enqueueMany(queue, 20)
    const told: (number | null)[] = []
    for (const [i] of durations.entries()) {
      await callOpenai(queue, i === 0 ? failures : 1, health)
      const { forMs } = await stateOf(queue)
      told.push(forMs)
      queue.clock.advance(forMs ?? 0)
    }
    expect(told).toEqual(durations)
    // One success, and it is as if nothing had been.
    await callOpenai(queue, 1, "ok")
    await callOpenai(queue, failures, health)
    expect((await stateOf(queue)).forMs).toBe(durations[0])
  })

  test("then a single probe goes, whoever asks; its success opens the line", async () => {
    const queue = open()
    await enqueueMany(queue, 10)
    await openHalf(queue)
    expect(await stateOf(queue)).toEqual(HALF_OPEN)
    expect((await queue.health()).troubled).toEqual(["openai"])
    const other = queue.sibling()
    const claims = await Promise.all([
      ...[queue.take({ owner: "a" }), other.take({ owner: "b" }), queue.take({ owner: "c" })],
    ])
    const probes = claims.flatMap(({ requests }) => requests)
    expect(probes).toHaveLength(1)
    const [probe] = probes
    if (!probe) throw new Error("no probe")
    const { requests, remaining, wakeAt } = await other.take()
    expect([requests, remaining]).toEqual([[], 0])
    expect(wakeAt).toBeLessThanOrEqual(probe.lease.expiresAt)
    const { claim } = await other.turn([ended(queue, probe, "ok")], CLAIM)
    expect(claim.requests).toHaveLength(4)
    expect(await stateOf(queue)).toEqual(CLOSED)
    expect((await queue.health()).troubled).toEqual([])
  })

  test("a probe that is claimed alone leaves nothing more to start", async () => {
    const queue = open()
    await enqueueMany(queue, 10)
    await openHalf(queue)
    expect((await queue.take({ limit: 0 })).remaining).toBe(1)
    expect(await queue.take({ limit: 1 })).toMatchObject({ requests: [{}], remaining: 0 })
  })

  test.each([
    ["cancelled", (queue: TestQueue, { lease }: ClaimedRequest) => queue.cancel(lease.requestId, null)],
    [
      "handed back",
      (queue: TestQueue, probe: ClaimedRequest) => queue.settle([settlement(probe, "release")]),
    ],
    ["lost", async (queue: TestQueue, { lease }: ClaimedRequest) => queue.clock.set(lease.expiresAt)],
    [
      "told nothing",
      (queue: TestQueue, probe: ClaimedRequest) => queue.settle([ended(queue, probe, "unknown")]),
    ],
  ] as const)("a probe that was %s is followed by another one", async (_, end) => {
    const queue = open()
    await enqueueMany(queue, 9)
    await openHalf(queue)
    await end(queue, await queue.takeOne())
    expect(await stateOf(queue)).toEqual(HALF_OPEN)
    const probe = await queue.takeOne()
    expect((await queue.take()).requests).toEqual([])
    await queue.settle([ended(queue, probe, "ok")])
    expect(await stateOf(queue)).toEqual(CLOSED)
  })

  test("a probe whose worker comes back after another has probed is not heard", async () => {
    const queue = open()
    await enqueueMany(queue, 9)
    await openHalf(queue)
    const lost = await queue.takeOne()
    queue.clock.set(lost.lease.expiresAt)
    const probe = await queue.takeOne()
    await queue.settle([ended(queue, lost, "trouble")])
    expect(await stateOf(queue)).toEqual(HALF_OPEN)
    await queue.settle([ended(queue, probe, "ok")])
    expect(await stateOf(queue)).toEqual(CLOSED)
  })

  test("calls from before it opened tell nothing: they neither close it nor keep it open for longer", async () => {
    const queue = open()
    await enqueueMany(queue, 12)
    const { requests } = await queue.take({ limit: 9 })
    const settleAs = (from: number, to: number, health: TargetReport["health"]) =>
      queue.settle(requests.slice(from, to).map((each) => ended(queue, each, health)))
    await settleAs(0, 5, "trouble")
    await settleAs(5, 6, "trouble")
    await settleAs(6, 7, "ok")
    await settleAs(7, 8, "account")
    expect(await stateOf(queue)).toEqual({ breaker: "open", forMs: 5000 })
    queue.clock.advance(5000)
    await settleAs(8, 9, "ok")
    expect(await stateOf(queue)).toEqual(HALF_OPEN)
  })

  test("nor does what was called before it was closed count after it", async () => {
    const queue = open()
    await enqueueMany(queue, 16)
    const old = (await queue.take({ limit: 10 })).requests
    await queue.settle(old.slice(0, 5).map((each) => ended(queue, each, "trouble")))
    queue.clock.advance(5000)
    await callOpenai(queue, 1, "ok")
    await queue.settle(old.slice(5).map((each) => ended(queue, each, "trouble")))
    expect(await stateOf(queue)).toEqual(CLOSED)
  })

  test("a rate limit is no trouble, and a probe that meets one has shown that it works", async () => {
    const queue = open()
    await enqueueMany(queue, 20)
    for (let i = 0; i < FAILURES + 1; i++) {
      const report = { health: "ok", blockedUntil: queue.clock() + 1000 } as const
      await queue.settle([
        settlement(await queue.takeOne(), "retry", { dueAt: queue.clock() + HOUR_MS, report }),
      ])
      expect(await stateOf(queue)).toEqual({ breaker: "closed", forMs: 1000 })
      queue.clock.advance(1000)
    }
    await openHalf(queue)
    const report = { health: "ok", blockedUntil: queue.clock() + 2000 } as const
    await queue.settle([settlement(await queue.takeOne(), "return", { report })])
    expect(await stateOf(queue)).toEqual({ breaker: "closed", forMs: 2000 })
  })

  test("resuming the provider closes it, and ends a block; pausing, or resuming the queue, does not", async () => {
    const queue = open()
    await enqueueMany(queue, 12)
    const [limited] = (await queue.take({ limit: 1 })).requests
    if (!limited) throw new Error("nothing was claimed")
    await callOpenai(queue, 1, "account")
    const report = { blockedUntil: queue.clock() + HOUR_MS }
    await queue.settle([settlement(limited, "return", { report })])
    await queue.setPaused(null, true)
    await queue.setPaused(null, false)
    await queue.setPaused("openai", true)
    expect(await stateOf(queue)).toEqual({ breaker: "open", forMs: HOUR_MS })
    await queue.setPaused("openai", false)
    expect(await stateOf(queue)).toEqual(CLOSED)
    expect((await queue.take({ limit: 5 })).requests).toHaveLength(5)
  })

  test("who resumes it is not contradicted by calls from before", async () => {
    const queue = open()
    await enqueueMany(queue, 12)
    const { requests } = await queue.take({ limit: 10 })
    const troubled = requests.map((each) => ended(queue, each, "trouble"))
    await queue.settle(troubled.slice(0, 5))
    await queue.setPaused("openai", false)
    await queue.settle(troubled.slice(5))
    expect(await stateOf(queue)).toEqual(CLOSED)
  })

  test("an hour with a refused key costs a handful of calls, and no request its life", async () => {
    const queue = open()
    await enqueueMany(queue, 60)
    const endAt = queue.clock() + HOUR_MS
    let calls = 0
    for (let at: number | null = queue.clock(); at !== null && at < endAt && calls < 60; ) {
      queue.clock.set(at)
      const { requests, wakeAt } = await queue.take({ limit: 1 })
      calls += requests.length
      const { claim } = await queue.turn(
        requests.map((each) => ended(queue, each, "account")),
        CLAIM,
      )
      expect(providersOf(claim)).toEqual([])
      at = claim.wakeAt ?? wakeAt
    }
    expect(calls).toBeGreaterThan(5)
    expect(calls).toBeLessThanOrEqual(16)
    expect((await queue.stats()).counts).toMatchObject({ pending: 60, failed: 0, scheduled: 0 })
  })
})
