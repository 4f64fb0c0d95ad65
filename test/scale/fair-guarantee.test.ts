import fc from "fast-check"
import { expect, test } from "vitest"
import { PRIORITIES, type Priority } from "../../src/core/request.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"
import { parameters } from "./property.ts"

/** What `docs/fairness.md` promises, looked at from outside: only the order in which requests start counts. */
const FAIR = { settings: { fairShareMs: 4 } }
const MINUTE_MS = 60_000

const tenant = fc.record({
  weight: fc.constantFrom(1, 1, 1, 2, 3),
  requests: fc.integer({ min: 1, max: 25 }),
  claimedFirst: fc.nat(10),
})

interface Started {
  organizationId: string
  priority: Priority
}

async function enqueueBulk(queue: TestQueue, organizationId: string, count: number, priority: Priority) {
  await queue.enqueue(Array.from({ length: count }, () => queue.newRequest({ organizationId, priority })))
}

/** Starts and completes up to `limit`, and says which, in order. */
async function start(queue: TestQueue, limit: number): Promise<Started[]> {
  const { requests } = await queue.take({ limit })
  await queue.settle(requests.map((claimed) => settlement(claimed, "completed")))
  return requests.map(({ head: { organizationId, priority } }) => ({ organizationId, priority }))
}

const countOf = (started: Started[], name: string) =>
  started.filter(({ organizationId }) => organizationId === name).length

describeQueue("fair shares", ({ kind, open }) => {
  const runs = (count: number) => parameters(kind === "redis" ? count : Math.ceil(count / 10))
  /** The guard reads every key there is, which hundreds of queues in one store make slow; `fair-model` runs under it. */
  const openUnguarded = () => open(FAIR, "spoiled")

  test("a newcomer starts after at most one request, times weight, of each tenant with a backlog", async () => {
    const latencies = fc.record({ beforeMs: fc.nat(90 * MINUTE_MS), between: fc.integer({ min: 1, max: 7 }) })
    const tenants = fc.array(tenant, { minLength: 1, maxLength: 5 })
    const property = fc.asyncProperty(
      tenants,
      latencies,
      fc.constantFrom(...PRIORITIES),
      async (all, { beforeMs, between }, priority) => {
        const queue = openUnguarded()
        for (const [i, { weight, requests, claimedFirst }] of all.entries()) {
          if (weight !== 1) await queue.setWeight(`flood-${i}`, weight)
          await enqueueBulk(queue, `flood-${i}`, requests, priority)
          await start(queue, claimedFirst)
        }
        queue.clock.advance(beforeMs)
        await enqueueBulk(queue, "newcomer", 1, priority)
        const ahead: Started[] = []
        while (countOf(ahead, "newcomer") === 0) ahead.push(...(await start(queue, between)))
        const before = ahead.slice(
          0,
          ahead.findIndex(({ organizationId }) => organizationId === "newcomer"),
        )
        for (const [i, { weight }] of all.entries()) {
          expect(countOf(before, `flood-${i}`)).toBeLessThanOrEqual(weight)
        }
      },
    )
    await fc.assert(property, runs(80))
  }, 300_000)

  test("shares are as the weights, in any window and at any pace", async () => {
    const weights = fc.array(fc.constantFrom(1, 2, 3, 5), { minLength: 2, maxLength: 4 })
    const property = fc.asyncProperty(
      weights,
      fc.integer({ min: 1, max: 9 }),
      fc.nat(3000),
      async (all, batch, paceMs) => {
        const queue = openUnguarded()
        const rounds = 8
        for (const [i, weight] of all.entries()) {
          await queue.setWeight(`org-${i}`, weight)
          await enqueueBulk(queue, `org-${i}`, weight * rounds, "normal")
        }
        const total = all.reduce((sum, weight) => sum + weight * rounds, 0)
        const started: Started[] = []
        while (started.length < total) {
          started.push(...(await start(queue, batch)))
          queue.clock.advance(paceMs)
        }
        // While nobody has run out.
        const busyUntil = Math.min(
          ...all.map((_, i) => started.findLastIndex(({ organizationId }) => organizationId === `org-${i}`)),
        )
        const served = prefixCounts(started.slice(0, busyUntil), all.length)
        for (const [from, before] of served.entries()) {
          for (const after of served.slice(from)) {
            const servedOf = all.map((_, i) => (after[i] ?? 0) - (before[i] ?? 0))
            expectFair(servedOf, all)
          }
        }
      },
    )
    await fc.assert(property, runs(60))
  }, 300_000)

  test("levels are strict, and a claim takes all that it may", async () => {
    const arrival = fc.record({
      organizationId: fc.constantFrom("org-1", "org-2", "org-3"),
      priority: fc.constantFrom(...PRIORITIES),
      requests: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 20, max: 60 })),
      claimed: fc.nat(15),
      laterMs: fc.nat(20_000),
    })
    const property = fc.asyncProperty(fc.array(arrival, { minLength: 2, maxLength: 12 }), async (all) => {
      const queue = openUnguarded()
      const pending = { critical: 0, high: 0, normal: 0, low: 0 }
      for (const { organizationId, priority, requests, claimed, laterMs } of all) {
        await enqueueBulk(queue, organizationId, requests, priority)
        pending[priority] += requests
        const expected: Priority[] = PRIORITIES.flatMap((level) => Array(pending[level]).fill(level))
        const started = await start(queue, claimed)
        expect(started.map((each) => each.priority)).toEqual(expected.slice(0, claimed))
        for (const { priority: level } of started) pending[level] -= 1
        queue.clock.advance(laterMs)
      }
    })
    await fc.assert(property, runs(80))
  }, 300_000)

  test("nothing is kept of tenants that are gone, and tags that mean nothing go with the next", async () => {
    const queue = open(FAIR)
    for (let i = 0; i < 30; i++) await enqueueBulk(queue, `org-${i}`, 2, PRIORITIES[i % 4] ?? "normal")
    const tags = async () =>
      Object.entries(await queue.redis.hGetAll(queue.keys.meta)).filter(([name]) => name.startsWith("fair:"))
    expect(await tags()).toHaveLength(30)

    await start(queue, 60)
    for (let i = 0; i < 40; i++) await enqueueBulk(queue, "org-0", 3, PRIORITIES[i % 4] ?? "normal")
    const [text] = (await tags()).flatMap(([name, value]) => (name === "fair:org-0" ? [value] : []))
    // Line, level, period and tag, of each level.
    expect(text?.split(" ")).toHaveLength(4 * PRIORITIES.length)

    await queue.maintain()
    expect((await tags()).map(([name]) => name)).toEqual(["fair:org-0"])
  })
})

/** How many of each tenant had started after none, one, two, … requests. */
function prefixCounts(started: Started[], tenants: number): number[][] {
  const counts = [Array<number>(tenants).fill(0)]
  for (const { organizationId } of started) {
    const last = counts.at(-1) ?? []
    counts.push(last.map((count, i) => count + (organizationId === `org-${i}` ? 1 : 0)))
  }
  return counts
}

/** Shares that two tenants got differ by one request of each; effective times are whole, which moves a turn by 1 ms of 4. */
function expectFair(served: number[], weights: number[]): void {
  for (const [i, weight] of weights.entries()) {
    for (const [j, other] of weights.entries()) {
      const ahead = (served[i] ?? 0) / weight - (served[j] ?? 0) / other
      if (ahead > 1 / weight + 1 / other + 1 / 4) throw new Error(`served ${served} at weights ${weights}`)
    }
  }
}
