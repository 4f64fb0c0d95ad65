import fc from "fast-check"
import { expect, test } from "vitest"
import { PRIORITIES, type Priority } from "../../src/core/request.ts"
import type { ClaimedRequest } from "../../src/queue/contract.ts"
import { decodeRecord } from "../../src/queue/record.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"
import { priorityAt } from "./model/state.ts"

const RUNS = { redis: 40, embedded: 8 }
const PROVIDERS = ["openai", "anthropic"] as const
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

interface Plan {
  priority: Priority
  provider: (typeof PROVIDERS)[number]
  /** Before the moment of claiming. */
  ageMs: number
  retries: number
}

const priority = fc.constantFrom(...PRIORITIES)

/** Close together, around the gaps between levels (2.5 h, 25 h), and any. */
const age = fc.oneof(
  fc.nat(2000),
  fc.nat(3 * HOUR_MS),
  fc.constantFrom(9_000_000, 90_000_000).chain((gap) => fc.integer({ min: gap - 2, max: gap + 2 })),
  fc.nat(5 * DAY_MS),
)

const plan: fc.Arbitrary<Plan> = fc.record({
  priority,
  provider: fc.constantFrom(...PROVIDERS),
  ageMs: age,
  retries: fc.constantFrom(0, 0, 1, 2, 3),
})

describeQueue("order", ({ kind, open }) => {
  test("claims follow the published formula, at whatever later instant it is evaluated", async () => {
    const penalty = fc.constantFrom(0, 1, 60_000, 800_000)
    const waited = fc.nat(2 * DAY_MS)
    const plans = fc.array(plan, { minLength: 2, maxLength: 10 })
    const property = fc.asyncProperty(
      plans,
      penalty,
      waited,
      fc.nat(3),
      async (all, retryPenaltyMs, t, n) => {
        const queue = open({ settings: { retryPenaltyMs, providers: [...PROVIDERS] } })
        const queued = await enqueueAged(queue, all)
        queue.clock.advance(t)
        const expected = queued.toSorted((a, b) => {
          const now = queue.clock()
          const [pointsOfA, pointsOfB] = [a, b].map((each) => priorityAt(now, each, retryPenaltyMs))
          // Thousandths of a point are ms; below that is only how computers write fractions.
          const ms = Math.round(((pointsOfB ?? 0) - (pointsOfA ?? 0)) * 1000)
          return ms === 0 ? (a.requestId < b.requestId ? -1 : 1) : ms
        })
        expect(await takeAll(queue, n + 1)).toEqual(expected.map(({ requestId }) => requestId))
      },
    )
    await fc.assert(property, { numRuns: RUNS[kind] })
  }, 120_000)

  test("first in, first out within an organization's level and retry count, also within one millisecond", async () => {
    const sort = fc.record({
      priority,
      organizationId: fc.constantFrom("org-1", "org-2"),
      retried: fc.boolean(),
    })
    const bulks = fc.array(
      fc.record({ kinds: fc.array(sort, { minLength: 1, maxLength: 5 }), laterMs: fc.nat(1) }),
      {
        minLength: 1,
        maxLength: 6,
      },
    )
    const property = fc.asyncProperty(bulks, fc.nat(4), async (all, n) => {
      const queue = open()
      const classOf = new Map<string, string>()
      const retried = new Set<string>()
      for (const { kinds, laterMs } of all) {
        queue.clock.advance(laterMs)
        const requests = kinds.map(({ retried: _, ...overrides }) => queue.newRequest(overrides))
        await queue.enqueue(requests)
        for (const [i, { head }] of requests.entries()) {
          classOf.set(head.requestId, JSON.stringify(kinds[i]))
          if (kinds[i]?.retried) retried.add(head.requestId)
        }
      }
      await settleAll(queue, ({ head }) => (retried.has(head.requestId) ? "retry" : "release"))
      const taken = await takeAll(queue, n + 1)
      const byClass = (ids: string[]) => Object.groupBy(ids, (id) => classOf.get(id) ?? "")
      expect(byClass(taken)).toEqual(byClass([...classOf.keys()]))
    })
    await fc.assert(property, { numRuns: RUNS[kind] })
  }, 120_000)

  test("nothing that an attempt comes to changes the age", async () => {
    const kinds = fc.array(fc.constantFrom("retry", "return", "release", "lost"), {
      minLength: 1,
      maxLength: 8,
    })
    const delay = fc.constantFrom(0, 5000)
    const property = fc.asyncProperty(kinds, delay, async (all, delayMs) => {
      const queue = open()
      const scheduledAt = delayMs === 0 ? null : queue.clock() + delayMs
      const [id = ""] = await queue.enqueueEach({ scheduledAt, maxRetries: 10 })
      const dueAt = scheduledAt ?? queue.clock()
      queue.clock.advance(delayMs)
      // A third lost lease would end it.
      const lasting = all.filter((kind, i) => kind !== "lost" || all.slice(0, i).filter(isLost).length < 2)
      for (const [i, kind] of lasting.entries()) {
        const claimed = await queue.takeOne()
        queue.clock.advance(1234)
        if (kind === "lost") queue.clock.set(claimed.lease.expiresAt)
        else await queue.settle([settlement(claimed, kind, { dueAt: queue.clock() + 700 })])
        queue.clock.advance(700)
        await queue.take({ limit: 0 })
        const record = decodeRecord((await queue.redis.hGet(queue.keys.live, id)) ?? "")
        const retries = lasting.slice(0, i + 1).filter((each) => each === "retry").length
        expect(record).toMatchObject({ dueAt, effectiveAt: dueAt, retries })
        const points = priorityAt(0, { priority: "normal", dueAt, retries }, queue.settings.retryPenaltyMs)
        expect(await queue.redis.zScore(queue.keys.line("openai"), id)).toBe(Math.round(-1000 * points))
      }
    })
    await fc.assert(property, { numRuns: RUNS[kind] })
  }, 120_000)

  test("a retried request never falls behind the next level, and yields to fresh ones of its own", async () => {
    const level = fc.constantFrom(0, 1, 2)
    const retries = fc.constantFrom(1, 3, 10, 12)
    const penalty = fc.constantFrom(1, 60_000, 800_000)
    const property = fc.asyncProperty(level, retries, penalty, async (own, times, retryPenaltyMs) => {
      const queue = open({ settings: { retryPenaltyMs } })
      const [old = ""] = await queue.enqueueEach({ priority: PRIORITIES[own] as Priority, maxRetries: 12 })
      for (let i = 0; i < times; i++) await settleAll(queue, () => "retry")
      const [next = "", fresh = ""] = await queue.enqueueEach(
        { priority: PRIORITIES[own + 1] as Priority },
        { priority: PRIORITIES[own] as Priority },
      )
      expect(await takeAll(queue, 1)).toEqual([fresh, old, next])
    })
    await fc.assert(property, { numRuns: RUNS[kind] })
  }, 120_000)
})

const isLost = (kind: string) => kind === "lost"

/** Each at its time, then their retries; the clock stands at the moment of claiming. */
async function enqueueAged(queue: TestQueue, plans: Plan[]) {
  const now = queue.clock()
  const queued: ({ requestId: string; dueAt: number } & Plan)[] = []
  for (const each of plans.toSorted((a, b) => b.ageMs - a.ageMs)) {
    queue.clock.set(now - each.ageMs)
    const [requestId = ""] = await queue.enqueueEach({ priority: each.priority, provider: each.provider })
    queued.push({ ...each, requestId, dueAt: queue.clock() })
  }
  queue.clock.set(now)
  const retriesOf = new Map(queued.map(({ requestId, retries }) => [requestId, retries]))
  for (let round = 1; round <= Math.max(...retriesOf.values()); round++) {
    await settleAll(queue, ({ head }) =>
      (retriesOf.get(head.requestId) ?? 0) >= round ? "retry" : "release",
    )
  }
  return queued
}

/** Claims everything and gives it back, in one way or another. */
async function settleAll(
  queue: TestQueue,
  kind: (claimed: ClaimedRequest) => "retry" | "release",
): Promise<void> {
  const { requests } = await queue.take()
  await queue.settle(requests.map((each) => settlement(each, kind(each), { dueAt: queue.clock() })))
  await queue.take({ limit: 0 })
}

/** The ids in the order in which claims of `limit` hand them out. */
async function takeAll(queue: TestQueue, limit: number): Promise<string[]> {
  const ids: string[] = []
  for (;;) {
    const { requests } = await queue.take({ limit })
    if (requests.length === 0) return ids
    ids.push(...requests.map(({ head }) => head.requestId))
  }
}
