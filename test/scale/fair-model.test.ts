import fc from "fast-check"
import { expect, test } from "vitest"
import { PRIORITIES } from "../../src/core/request.ts"
import type { ClaimedRequest } from "../../src/queue/contract.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"
import { FairLines, type FairRequest } from "./fair-lines.ts"
import { parameters } from "./property.ts"

const SHARE_MS = 4
const PROVIDERS = ["openai", "anthropic"]
const MINUTE_MS = 60_000

const organization = fc.constantFrom("org-1", "org-2", "org-3", "org-4")

/** Lives of a queue: tenants come in bulks, singly and for later, drains claim and give back, weights change, time passes. */
const anyStep = fc.oneof(
  fc.record({
    do: fc.constant("enqueue" as const),
    provider: fc.constantFrom(...PROVIDERS),
    priority: fc.constantFrom(...PRIORITIES),
    organizationId: organization,
    count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 20 })),
    laterMs: fc.constantFrom(0, 0, 0, 5000),
  }),
  fc.record({ do: fc.constant("claim" as const), limit: fc.integer({ min: 1, max: 12 }) }),
  fc.record({
    do: fc.constant("settle" as const),
    kinds: fc.array(fc.constantFrom("completed", "completed", "retry", "release"), {
      minLength: 1,
      maxLength: 6,
    }),
  }),
  fc.record({
    do: fc.constant("weigh" as const),
    organizationId: organization,
    weight: fc.constantFrom(0.5, 1, 2, 3, 10),
  }),
  fc.record({
    do: fc.constant("wait" as const),
    ms: fc.oneof(fc.nat(5), fc.nat(6000), fc.constantFrom(3 * MINUTE_MS, 30 * MINUTE_MS, 150 * MINUTE_MS)),
  }),
)
type Step = typeof anyStep extends fc.Arbitrary<infer Value> ? Value : never

describeQueue("fair shares", ({ kind, open }) => {
  test("are given as the reference gives them, whatever happens", async () => {
    const property = fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 40 }), async (steps) => {
      const queue = open({ settings: { fairShareMs: SHARE_MS, providers: PROVIDERS } })
      const pair = new Pair(queue)
      for (const step of steps) await pair.perform(step)
      await pair.perform({ do: "claim", limit: 2000 })
    })
    await fc.assert(property, parameters({ redis: 150, embedded: 6 }[kind]))
  }, 300_000)
})

/** The queue and its reference, which must hand out the same in the same order. */
class Pair {
  readonly #queue: TestQueue
  readonly #lines: FairLines
  readonly #requests = new Map<string, FairRequest>()
  #held: ClaimedRequest[] = []
  #scheduled: { dueAt: number; request: FairRequest }[] = []

  constructor(queue: TestQueue) {
    this.#queue = queue
    this.#lines = new FairLines(SHARE_MS, queue.settings.retryPenaltyMs)
  }

  async perform(step: Step): Promise<void> {
    const { clock } = this.#queue
    switch (step.do) {
      case "enqueue":
        return this.#enqueue(step)
      case "claim":
        return this.#claim(step.limit)
      case "settle":
        return this.#settle(step.kinds)
      case "weigh":
        this.#lines.weights.set(step.organizationId, step.weight)
        return this.#queue.setWeight(step.organizationId, step.weight)
      case "wait":
        return clock.advance(step.ms)
    }
  }

  async #enqueue({ provider, count, laterMs, ...head }: Extract<Step, { do: "enqueue" }>): Promise<void> {
    const now = this.#queue.clock()
    const scheduledAt = laterMs === 0 ? null : now + laterMs
    const bulk = Array.from({ length: count }, () =>
      this.#queue.newRequest({ ...head, provider, scheduledAt, maxRetries: 10 }),
    )
    await this.#queue.enqueue(bulk)
    for (const { head: stored } of bulk) {
      const { requestId, priority, organizationId } = stored
      const request = { requestId, priority, organizationId, line: provider, effectiveAt: null, retries: 0 }
      this.#requests.set(requestId, request)
      if (scheduledAt === null) this.#lines.enter(request, now)
      else this.#scheduled.push({ dueAt: scheduledAt, request })
    }
  }

  async #claim(limit: number): Promise<void> {
    const now = this.#queue.clock()
    // Of leases that have run out, others tell; here each is settled in time.
    for (const { lease } of this.#held) await this.#queue.extend(lease, now + 24 * 3_600_000)
    const due = this.#scheduled.filter(({ dueAt }) => dueAt <= now)
    this.#scheduled = this.#scheduled.filter(({ dueAt }) => dueAt > now)
    due.sort((a, b) => a.dueAt - b.dueAt || (a.request.requestId < b.request.requestId ? -1 : 1))
    for (const { request } of due) this.#lines.enter(request, now)

    const { requests } = await this.#queue.take({ limit })
    const expected = this.#lines.claim(limit)
    expect(requests.map(({ lease }) => lease.requestId)).toEqual(expected.map(({ requestId }) => requestId))
    this.#held.push(...requests)
  }

  async #settle(kinds: ("completed" | "retry" | "release")[]): Promise<void> {
    const now = this.#queue.clock()
    const settled = this.#held.splice(0, kinds.length)
    await this.#queue.settle(
      settled.map((claimed, i) => settlement(claimed, kinds[i] ?? "completed", { dueAt: now })),
    )
    for (const [i, { lease }] of settled.entries()) {
      const request = this.#requests.get(lease.requestId)
      if (request === undefined) throw new Error(`${lease.requestId} was never enqueued`)
      if (kinds[i] === "release") this.#lines.enter(request, now)
      if (kinds[i] === "retry") {
        request.retries += 1
        this.#scheduled.push({ dueAt: now, request })
      }
    }
  }
}
