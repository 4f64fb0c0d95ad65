import { expect, test } from "vitest"
import type { FaultRule } from "../../dev/bridge/faults.ts"
import { AppError } from "../../src/core/errors.ts"
import { isFinished } from "../../src/core/outcome.ts"
import { PRIORITIES } from "../../src/core/request.ts"
import type { ClaimedRequest, Overdue, Settlement } from "../../src/queue/contract.ts"
import { completion, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const SIZE = { redis: 120, embedded: 30 }
const WORKERS = 3
/** Of each worker's turns; far more than are needed. */
const MAX_TURNS = 3000
const STORM: FaultRule[] = [
  { fault: "drop", when: "before", probability: 0.06 },
  { fault: "drop", when: "after", every: 5 },
  { fault: "status", status: 500, when: "after", probability: 0.06 },
  { fault: "status", status: 429, probability: 0.03 },
  { fault: "status", status: 502, body: "<html>", when: "after", probability: 0.03 },
  { fault: "noscript", probability: 0.05 },
]

/** Repeatable noise in [0, 1). */
function createNoise(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

describeQueue("a storm of faults", ({ kind, open, store }) => {
  test.each([1, 2, 3])(
    "workers that drain through it lose nothing and double no outcome (%i)",
    async (seed) => {
      const noise = createNoise(seed)
      const queue = open({ random: () => 0 })
      const log = new StormLog()
      for (const rule of STORM) store().bridge.faults.inject({ ...rule, seed })
      const ids = await enqueueAll(queue, SIZE[kind], noise)
      const cancelled = new Set(ids.filter(() => noise() < 0.05))
      const cancels = [...cancelled].map((id) => insist(() => queue.cancel(id, null)))
      const workers = Array.from({ length: WORKERS }, (_, i) =>
        work(queue.sibling(), `worker-${i}`, ids, log, noise),
      )
      const turns = await Promise.all(workers)
      const replies = await Promise.all(cancels)
      store().bridge.faults.clear()

      expect(Math.max(...turns)).toBeLessThan(MAX_TURNS)
      const ends = new Map<string, string>()
      for (const id of ids) {
        const status = await queue.status(id, null)
        expect(status && isFinished(status.state), id).toBe(true)
        ends.set(id, status?.state ?? "")
        const winners = log.winners.get(id) ?? new Set()
        expect(winners.size).toBeLessThanOrEqual(1)
        const [winner] = winners
        if (winner !== undefined) {
          expect(status?.state).toBe("completed")
          expect(status?.response?.choices[0]?.message.content).toBe(`attempt ${winner}`)
        }
        // Every call that was made is told of, and none that was not.
        const told = status?.attempts.map(({ number }) => number) ?? []
        expect(told).toEqual(expect.arrayContaining([...(log.settled.get(id) ?? [])]))
        expect(new Set(told).size).toBe(told.length)
      }
      for (const [i, id] of [...cancelled].entries())
        expect(ends.get(id)).toBe(replies[i]?.kind === "discarded" ? "" : replies[i]?.kind)
      const { counts } = await queue.stats()
      const count = (state: string) => [...ends.values()].filter((each) => each === state).length
      expect(counts).toEqual({
        ...{ pending: 0, scheduled: 0, processing: 0 },
        ...{ completed: count("completed"), failed: count("failed"), cancelled: count("cancelled") },
      })
      expect(count("completed")).toBeGreaterThan(ids.length / 2)
      expect(log.calls).toBeGreaterThanOrEqual(count("completed"))
    },
    60_000,
  )
})

class StormLog {
  calls = 0
  private readonly called = new Set<string>()
  /** By request: attempts of which a success was accepted, and all that were settled. */
  readonly winners = new Map<string, Set<number>>()
  readonly settled = new Map<string, Set<number>>()

  /** The provider is called: never twice under one attempt number, by nobody. */
  call({ lease: { requestId, attempt } }: ClaimedRequest): void {
    this.calls += 1
    expect(this.called).not.toContain(`${requestId} ${attempt}`)
    this.called.add(`${requestId} ${attempt}`)
  }

  /** What is said again was perhaps noted before, and is known then: that is no win. */
  note({ lease, decision, attempt }: Settlement, reply: string | undefined, isSaidAgain: boolean): void {
    if (attempt !== null && reply !== "gone") addTo(this.settled, lease.requestId, lease.attempt)
    if (decision.kind === "completed" && reply === "settled" && !isSaidAgain)
      addTo(this.winners, lease.requestId, lease.attempt)
  }
}

function addTo(map: Map<string, Set<number>>, key: string, value: number): void {
  map.set(key, (map.get(key) ?? new Set()).add(value))
}

/** One by one and in bulk, some due later; each call is repeated until it is answered. */
async function enqueueAll(queue: TestQueue, size: number, noise: () => number): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < size) {
    const batch = Array.from({ length: 1 + Math.floor(noise() * 5) }, () =>
      queue.newRequest({
        priority: PRIORITIES[Math.floor(noise() * 4)] ?? "normal",
        provider: noise() < 0.5 ? "openai" : "anthropic",
        organizationId: `org-${Math.floor(noise() * 3)}`,
        scheduledAt: noise() < 0.2 ? queue.clock() + 5000 : null,
      }),
    )
    await insist(() => queue.enqueue(batch))
    ids.push(...batch.map(({ head }) => head.requestId))
  }
  return ids
}

/** Asks until there is an answer; what it may be told meanwhile is only that the store is not there. */
async function insist<Reply>(ask: () => Promise<Reply>): Promise<Reply> {
  for (let tried = 1; ; tried++) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "store_unavailable" || tried === 50) throw error
    }
  }
}

/** Drains until every request is finished; it is slow at times, and sometimes it dies over a call. */
async function work(
  queue: TestQueue,
  name: string,
  ids: string[],
  log: StormLog,
  noise: () => number,
): Promise<number> {
  let life = 0
  let settlements: Settlement[] = []
  let isSaidAgain = false
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    const options = { owner: `${name}:${life}`, limit: 4, maxBytes: 1_000_000, maxTimeoutMs: 600_000 }
    const said = settlements
    const came = await queue.turn(said, options).catch(() => null)
    // Its answer is lost for good: it says the same again, and what it has claimed it does not know.
    if (came === null) {
      isSaidAgain = true
      continue
    }
    for (const [i, each] of said.entries()) log.note(each, came.replies[i], isSaidAgain)
    isSaidAgain = false
    const { requests, overdue, wakeAt } = came.claim
    for (const each of requests) log.call(each)
    const diesNow = noise() < 0.05
    if (diesNow) life += 1
    settlements = diesNow ? [] : [...requests, ...overdue].map((each) => decide(queue, each, noise))
    if (requests.length + overdue.length > 0) queue.clock.advance(Math.floor(noise() * 20_000))
    else if (wakeAt !== null) queue.clock.set(Math.max(wakeAt, queue.clock()))
    if (settlements.length === 0 && (await isDone(queue, ids))) return turn
  }
  return MAX_TURNS
}

function decide(queue: TestQueue, taken: ClaimedRequest | Overdue, noise: () => number): Settlement {
  const chance = noise()
  const kind = chance < 0.6 ? "completed" : chance < 0.8 ? "retry" : chance < 0.9 ? "return" : "failed"
  return settlement(taken, kind, {
    response: completion(`attempt ${taken.lease.attempt}`),
    ...{ finishedAt: queue.clock(), dueAt: queue.clock() + 3000 },
  })
}

async function isDone(queue: TestQueue, ids: string[]): Promise<boolean> {
  const { counts } = await insist(() => queue.stats())
  return counts.completed + counts.failed + counts.cancelled === ids.length
}
