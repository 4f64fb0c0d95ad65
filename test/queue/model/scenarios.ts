import type { Claim, NewRequest } from "../../../src/queue/contract.ts"
import { completion, type RequestOverrides, settlement, type TestQueue } from "../../helpers/queue.ts"

/** In every prompt and every answer; it must never be in an error. */
export const SECRET = "the-secret-of-the-prompt"

/** The same requests for a queue and for its undisturbed twin: ids and all. */
export function secretRequests(
  queue: TestQueue,
  count: number,
  overrides: RequestOverrides = {},
): NewRequest[] {
  return Array.from({ length: count }, (_, i) => queue.newRequest({ text: `${SECRET} ${i}`, ...overrides }))
}

/** One mutation: `prepare` brings a queue to where it matters, and gives the call. */
export interface Scenario {
  what: string
  prepare(queue: TestQueue, requests: NewRequest[]): Promise<() => Promise<unknown>>
  /** Repeated by its caller, it is another operation: it takes what is left. */
  isNewWhenRepeated?: boolean
  /** What is promised of the reply; all of it, unless said. */
  pick?(reply: unknown): unknown
}

type Kind = Parameters<typeof settlement>[1]

async function claimed(queue: TestQueue, requests: NewRequest[]) {
  await queue.enqueue(requests)
  return (await queue.take()).requests
}

async function failed(queue: TestQueue, requests: NewRequest[]): Promise<void> {
  const all = await claimed(queue, requests)
  await queue.settle(all.map((each) => settlement(each, "failed")))
}

function settling(kind: Kind): Scenario {
  return {
    what: `settle ${kind}`,
    prepare: async (queue, requests) => {
      const all = await claimed(queue, requests)
      const settlements = all.map((each) =>
        settlement(each, kind, { response: completion(SECRET), dueAt: queue.clock() + 5000 }),
      )
      return () => queue.settle(settlements)
    },
    // Handed back, the second time by somebody who no longer holds it.
    ...(kind === "release" ? { pick: () => null } : {}),
  }
}

function taken(claim: Claim) {
  const requests = claim.requests.map(({ lease: { op: _, ...lease }, ...rest }) => ({ ...rest, lease }))
  return requests.toSorted((a, b) => (a.lease.requestId < b.lease.requestId ? -1 : 1))
}

const firstId = (requests: NewRequest[]) => requests[0]?.head.requestId ?? ""

export const SCENARIOS: Scenario[] = [
  { what: "enqueue one", prepare: async (queue, requests) => () => queue.enqueue(requests.slice(0, 1)) },
  { what: "enqueue several", prepare: async (queue, requests) => () => queue.enqueue(requests) },
  {
    what: "enqueue once",
    prepare: async (queue, requests) => () =>
      queue.enqueueOnce(requests, { organizationId: "org-1", keyHash: "a1", bodyHash: "b2" }),
  },
  {
    what: "claim",
    prepare: async (queue, requests) => {
      await queue.enqueue(requests)
      return () => queue.take({ limit: 2 })
    },
    pick: (reply) => taken(reply as Claim),
    isNewWhenRepeated: true,
  },
  ...(["completed", "failed", "retry", "return", "release"] as const).map(settling),
  {
    what: "settle a success after its request was given up",
    prepare: async (queue, requests) => {
      const [first] = await claimed(queue, requests.slice(0, 1))
      for (let lost = 0; lost < 3; lost++) {
        queue.clock.advance(100_000)
        const { overdue } = await queue.take()
        await queue.settle(overdue.map((each) => settlement(each, "failed")))
      }
      return async () => (first === undefined ? null : queue.settle([settlement(first, "completed")]))
    },
  },
  {
    what: "turn",
    prepare: async (queue, requests) => {
      await queue.enqueue(requests)
      const { requests: held } = await queue.take({ limit: 2 })
      const settlements = held.map((each, i) => settlement(each, i === 0 ? "completed" : "return"))
      const options = { owner: "drain", limit: 2, maxBytes: 1_000_000, maxTimeoutMs: 600_000 }
      return () => queue.turn(settlements, options)
    },
    pick: (reply) => {
      const { replies, claim } = reply as { replies: unknown; claim: Claim }
      return { replies, taken: taken(claim) }
    },
    isNewWhenRepeated: true,
  },
  {
    what: "extend",
    prepare: async (queue, requests) => {
      const [first] = await claimed(queue, requests)
      const lease = first?.lease
      return async () => lease && queue.extend(lease, lease.expiresAt + 60_000)
    },
  },
  {
    what: "cancel a pending one",
    prepare: async (queue, requests) => {
      await queue.enqueue(requests)
      return () => queue.cancel(firstId(requests), null)
    },
  },
  {
    what: "cancel one in processing",
    prepare: async (queue, requests) => {
      await claimed(queue, requests)
      return () => queue.cancel(firstId(requests), "org-1")
    },
  },
  {
    what: "discard a dead letter",
    prepare: async (queue, requests) => {
      await failed(queue, requests)
      let isGone = false
      return async () => {
        const reply = await queue.cancel(firstId(requests), null)
        // A caller that asks again after an error cannot be told by whom it was removed.
        const told = reply.kind === "unknown" && isGone ? { kind: "discarded" } : reply
        isGone = true
        return told
      }
    },
  },
  {
    what: "replay",
    prepare: async (queue, requests) => {
      await failed(queue, requests)
      let isBack = false
      return async () => {
        const reply = await queue.replay(firstId(requests), null, { deadlineAt: null }).catch((error) => {
          isBack = true
          throw error
        })
        return reply.kind === "conflict" && isBack ? { kind: "replayed" } : { kind: reply.kind }
      }
    },
  },
  { what: "pause", prepare: async (queue) => () => queue.setPaused("openai", true) },
  {
    what: "clean up",
    prepare: async (queue, requests) => {
      const all = await claimed(queue, requests)
      await queue.settle(all.map((each, i) => settlement(each, i === 0 ? "failed" : "completed")))
      queue.clock.advance(60_000)
      return () => queue.cleanup(30)
    },
    // What a lost answer removed is not counted twice, nor at all.
    pick: () => null,
  },
  {
    what: "maintain",
    prepare: async (queue, requests) => {
      await queue.enqueue(requests)
      queue.clock.advance(8 * 86_400_000)
      return () => queue.maintain()
    },
  },
]
