import fc from "fast-check"
import { expect, test } from "vitest"
import type { AttemptCounts, History } from "../../src/core/pulse.ts"
import type { ClaimedRequest, Settlement } from "../../src/queue/contract.ts"
import type { QueueFigures } from "../../src/queue/figures-contract.ts"
import { createTestClock, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const RUNS = { redis: 15, embedded: 3 }
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** Drains roll each minute; the ring holds 16. */
const LONGEST_UNROLLED_MS = 12 * MINUTE_MS

const KINDS = ["completed", "failed", "retry", "return", "release", "note"] as const
type Kind = (typeof KINDS)[number]

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const isSecond = fc.boolean()
const isLost = fc.nat(3).map((n) => n === 0)
const anAction = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("enqueue" as const), isSecond, count: fc.nat(4), isLost }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("claim" as const), isSecond, count: fc.nat(3), isLost }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      ...{ do: fc.constant("settle" as const), isSecond, which: chance, isLost },
      kind: fc.constantFrom<Kind>("completed", "completed", ...KINDS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("cancel" as const), isSecond, which: chance, isLost }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("roll" as const),
      isSecond,
      times: fc.integer({ min: 1, max: 2 }),
      isLost,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      ms: fc.constantFrom(1000, 20_000, 61_000, 200_000),
    }),
  },
)
type Action = typeof anAction extends fc.Arbitrary<infer A> ? A : never

interface Sums {
  events: Record<"enqueued" | "completed" | "failed" | "retried" | "cancelled", number>
  attempts: Record<string, AttemptCounts>
}

/** What has happened to a queue, by the replies that its callers got. */
class Truth {
  readonly events = { enqueued: 0, completed: 0, failed: 0, retried: 0, cancelled: 0 }
  readonly attempts: Record<string, AttemptCounts> = {}
  readonly requests = new Map<string, { state: string; held: ClaimedRequest | null; lost: number }>()
  /** Every attempt there was, and what it was settled as, which is said again when it is settled again. */
  readonly claimed: { claimed: ClaimedRequest; settlement: Settlement | null }[] = []
  waits = 0
  readonly completions: Record<string, number> = {}
  readonly #counted = new Set<string>()

  attempt({ lease, target }: ClaimedRequest, code: string) {
    const name = `${lease.requestId}:${lease.attempt}`
    if (this.#counted.has(name)) return
    this.#counted.add(name)
    add(this.attempts, target.provider, code, 1)
  }

  /** A claim at that instant takes back the leases that are over. */
  takeBack(now: number) {
    for (const request of this.requests.values()) {
      if (request.held === null || request.held.lease.expiresAt > now) continue
      this.attempt(request.held, "lease_expired")
      Object.assign(request, { held: null, lost: request.lost + 1 })
    }
  }

  settle(claimed: ClaimedRequest, { decision: { kind } }: Settlement) {
    const request = this.requests.get(claimed.lease.requestId)
    if (request === undefined) throw new Error("a request that was never enqueued")
    const isLive = request.state === "live"
    const isMine = isLive && request.held === claimed
    if (kind !== "release") this.attempt(claimed, kind === "completed" ? "completed" : "provider_unavailable")
    if (kind === "completed" && (isLive || request.state === "lost")) {
      this.events.completed += 1
      const { provider } = claimed.target
      if (isLive) this.completions[provider] = (this.completions[provider] ?? 0) + 1
      Object.assign(request, { state: "completed", held: null })
    }
    if (!isMine || kind === "completed" || kind === "note") return
    if (kind === "failed") this.events.failed += 1
    if (kind === "retry") this.events.retried += 1
    Object.assign(request, { state: kind === "failed" ? "failed" : "live", held: null })
  }
}

function add(attempts: Record<string, AttemptCounts>, provider: string, code: string, count: number) {
  attempts[provider] = { ...attempts[provider], [code]: (attempts[provider]?.[code] ?? 0) + count }
}

function sumsOf({ points }: History): Sums {
  const events = { enqueued: 0, completed: 0, failed: 0, retried: 0, cancelled: 0 }
  const attempts: Sums["attempts"] = {}
  for (const point of points) {
    for (const name of Object.keys(events) as (keyof typeof events)[]) events[name] += point[name]
    for (const [provider, counts] of Object.entries(point.attempts)) {
      for (const [code, count] of Object.entries(counts)) add(attempts, provider, code, count)
    }
  }
  return { events, attempts }
}

function expectTrue(figures: QueueFigures, truth: Truth) {
  const { enqueued, completed, failed, retried, cancelled, attempts, waits, providerTimes } = figures
  const sum = (buckets: { count: number }[]) => buckets.reduce((total, { count }) => total + count, 0)
  expect({ enqueued, completed, failed, retried, cancelled }).toEqual(truth.events)
  expect(attempts).toEqual(truth.attempts)
  expect(sum(waits)).toBe(truth.waits)
  expect(Object.fromEntries(Object.entries(providerTimes).map(([name, own]) => [name, sum(own)]))).toEqual(
    truth.completions,
  )
  const states = [...truth.requests.values()].map(({ state }) => state)
  const { scheduled, pending, processing } = figures.pulse.counts
  expect(scheduled + pending + processing).toBe(states.filter((state) => state === "live").length)
}

describeQueue("the history of any life", ({ kind, open, loseAnswerOf }) => {
  async function act(action: Action, queue: TestQueue, truth: Truth) {
    switch (action.do) {
      case "enqueue": {
        if (action.isLost) loseAnswerOf("enqueue")
        const requests = Array.from({ length: action.count + 1 }, (_, i) =>
          queue.newRequest({ provider: i % 2 === 0 ? "openai" : "anthropic" }),
        )
        await queue.enqueue(requests)
        truth.events.enqueued += requests.length
        for (const { head } of requests)
          truth.requests.set(head.requestId, { state: "live", held: null, lost: 0 })
        return
      }
      case "claim": {
        if (action.isLost) loseAnswerOf("claim")
        const { requests, overdue } = await queue.take({
          owner: queue.clock() % 2 ? "a" : "b",
          limit: action.count,
        })
        truth.takeBack(queue.clock())
        for (const claimed of requests) {
          if (claimed.lease.attempt === 1) truth.waits += 1
          const request = truth.requests.get(claimed.lease.requestId)
          if (request !== undefined) request.held = claimed
          truth.claimed.push({ claimed, settlement: null })
        }
        await queue.settle(overdue.map((each) => settlement(each, "failed")))
        for (const { lease } of overdue) {
          truth.events.failed += 1
          Object.assign(truth.requests.get(lease.requestId) ?? {}, { state: "lost", held: null })
        }
        return
      }
      case "settle": {
        const entry = truth.claimed[Math.floor(action.which * truth.claimed.length)]
        if (entry === undefined) return
        if (action.isLost) loseAnswerOf("settle")
        // A drain only notes what it does not hold any more.
        const isHeld = truth.requests.get(entry.claimed.lease.requestId)?.held === entry.claimed
        const settledAs = action.kind === "note" && isHeld ? "return" : action.kind
        entry.settlement ??= settlement(entry.claimed, settledAs, { dueAt: queue.clock() + 5000 })
        await queue.settle([entry.settlement])
        truth.settle(entry.claimed, entry.settlement)
        if (entry.settlement.decision.kind === "release")
          truth.claimed.splice(truth.claimed.indexOf(entry), 1)
        return
      }
      case "cancel": {
        const [id, request] = [...truth.requests][Math.floor(action.which * truth.requests.size)] ?? []
        if (id === undefined || request === undefined || request.state !== "live") return
        if (action.isLost) loseAnswerOf("cancel")
        await queue.cancel(id, null)
        truth.events.cancelled += 1
        Object.assign(request, { state: "cancelled", held: null })
        return
      }
      case "roll": {
        if (action.isLost) loseAnswerOf("roll")
        await Promise.all(Array.from({ length: action.times }, () => queue.roll()))
      }
    }
  }

  test("is what happened, whoever rolled it when, and however often; and so are the counters at any time", async () => {
    const actions = fc.array(anAction, { minLength: 20, maxLength: 60 })
    // A clock that is behind meets minutes that are rolled already.
    const property = fc.asyncProperty(
      actions,
      fc.constantFrom(0, 5000, 70_000, 130_000),
      async (all, behindMs) => {
        const start = Date.now()
        const first = open({ clock: createTestClock(start) })
        const second = first.sibling({ clock: createTestClock(start - behindMs) })
        const truth = new Truth()
        let rolledAt = start
        for (const action of all) {
          if (action.do === "pass") {
            for (const { clock } of [first, second]) clock.advance(action.ms)
          } else await act(action, action.isSecond ? second : first, truth)
          if (action.do === "roll") rolledAt = first.clock()
          if (first.clock() - rolledAt > LONGEST_UNROLLED_MS) {
            await first.roll()
            rolledAt = first.clock()
          }
          expectTrue(await first.figures(), truth)
        }
        const span = { from: start - HOUR_MS, to: first.clock() + HOUR_MS }
        const { events, attempts } = truth
        expect(sumsOf(await first.history({ ...span, stepMs: MINUTE_MS }))).toEqual({ events, attempts })
        // Long after: by hours, those that are over and the one that is not.
        first.clock.advance(26 * HOUR_MS)
        expect(sumsOf(await first.history({ ...span, stepMs: HOUR_MS }))).toEqual({ events, attempts })
        await first.roll()
        await first.enqueueEach({})
        first.clock.advance(MINUTE_MS)
        await first.roll()
        expect(sumsOf(await first.history({ ...span, stepMs: HOUR_MS }))).toEqual({ events, attempts })
        expect((await first.figures()).enqueued).toBe(events.enqueued + 1)
      },
    )
    await fc.assert(property, { numRuns: RUNS[kind] })
  }, 120_000)
})
