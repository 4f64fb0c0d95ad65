import type { AuditEntry } from "../../../src/core/audit.ts"
import type { StoredKey } from "../../../src/core/contracts/access.ts"
import { createIdGenerator } from "../../../src/core/ids.ts"
import type { AccessStore } from "../../../src/queue/access-contract.ts"
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
  prepare(queue: TestQueue, requests: NewRequest[], access: AccessStore): Promise<() => Promise<unknown>>
  /** Finds what counts how often it was executed, and does no harm by it, in the text of the state. */
  counts?: RegExp
  /** What the caller is told where the store has lost everything; unless said, what it is told else. */
  afterLoss?: unknown
  /** Repeated by its caller, it is another operation: it takes what is left. */
  isNewWhenRepeated?: boolean
  /** What is promised of the reply; all of it, unless said. */
  pick?(reply: unknown): unknown
}

/** Given once, so that a queue and its twin hold the same. */
const [KNOWN_ID = "", OTHER_ID = "", THIRD_ID = ""] = Array.from({ length: 3 }, createIdGenerator(Date.now))

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
    afterLoss: ["gone", "gone", "gone"],
    // Handed back, the second time by somebody who no longer holds it.
    ...(kind === "release" ? { pick: () => null, afterLoss: null } : {}),
  }
}

function taken(claim: Claim) {
  const requests = claim.requests.map(({ lease: { op: _, ...lease }, ...rest }) => ({ ...rest, lease }))
  return requests.toSorted((a, b) => (a.lease.requestId < b.lease.requestId ? -1 : 1))
}

const TOO_OLD_MS = 8 * 86_400_000

function audit(queue: TestQueue, action: string): AuditEntry {
  return { at: queue.clock(), action, keyId: "k-1", organizationId: null, target: "t-1", ip: "127.0.0.1" }
}

function storedKey(queue: TestQueue): StoredKey {
  return {
    ...{
      keyId: "key_0123",
      name: "app",
      organizationId: "org-1",
      scopes: ["enqueue"],
      sha256: "ab".repeat(32),
    },
    ...{ createdAt: queue.clock(), expiresAt: null, maxPriority: null, ratePerMinute: 60 },
  }
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
    what: "enqueue to a route and with fallbacks",
    prepare: async (queue) => {
      const fallbacks = [{ provider: "anthropic", model: "claude" }]
      const route = [{ provider: "deepseek", model: "chat", weight: 2 }]
      const later = { scheduledAt: queue.clock() + 5000, deadlineAt: queue.clock() + 9000 }
      const requests = [
        queue.newRequest({ requestId: KNOWN_ID, fallbacks }),
        queue.newRequest({ requestId: OTHER_ID, provider: "auto", model: "fast", route, ...later }),
      ]
      return () => queue.enqueue(requests)
    },
  },
  {
    what: "claim",
    prepare: async (queue, requests) => {
      await queue.enqueue(requests)
      return () => queue.take({ limit: 2 })
    },
    pick: (reply) => taken(reply as Claim),
    isNewWhenRepeated: true,
    afterLoss: [],
  },
  {
    what: "claim what is due, lost and overdue",
    prepare: async (queue) => {
      const now = queue.clock()
      await queue.enqueue([
        queue.newRequest({ requestId: KNOWN_ID, scheduledAt: now + 5000 }),
        queue.newRequest({ requestId: OTHER_ID, deadlineAt: now + 6000, priority: "low" }),
        queue.newRequest({ requestId: THIRD_ID, priority: "critical" }),
      ])
      await queue.take({ limit: 1 })
      queue.clock.advance(100_000)
      return () => queue.take({ limit: 1 })
    },
    pick: (reply) => taken(reply as Claim),
    isNewWhenRepeated: true,
    afterLoss: [],
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
    afterLoss: ["gone"],
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
    afterLoss: { replies: ["gone", "gone"], taken: [] },
  },
  {
    what: "extend",
    prepare: async (queue, requests) => {
      const [first] = await claimed(queue, requests)
      const lease = first?.lease
      return async () => lease && queue.extend(lease, lease.expiresAt + 60_000)
    },
    afterLoss: false,
  },
  {
    what: "cancel a pending one",
    prepare: async (queue, requests) => {
      await queue.enqueue(requests)
      return () => queue.cancel(firstId(requests), null)
    },
    afterLoss: { kind: "unknown" },
  },
  {
    what: "cancel one in processing",
    prepare: async (queue, requests) => {
      await claimed(queue, requests)
      return () => queue.cancel(firstId(requests), "org-1")
    },
    afterLoss: { kind: "unknown" },
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
    afterLoss: { kind: "unknown" },
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
    afterLoss: { kind: "unknown" },
  },
  {
    what: "pause",
    prepare: async (queue) => () => queue.setPaused("openai", true, audit(queue, "provider.paused")),
  },
  {
    what: "resume",
    prepare: async (queue, requests) => {
      const all = await claimed(queue, requests)
      const report = { health: "account" as const, blockedUntil: queue.clock() + 60_000 }
      await queue.settle(all.map((each) => settlement(each, "return", { report })))
      await queue.setPaused("openai", true)
      return () => queue.setPaused("openai", false, audit(queue, "provider.resumed"))
    },
    // The breaker's epoch: what calls from before the latest resume tell is not heard.
    counts: /(?<="breaker:openai":"c 0 0 )\d+/,
  },
  {
    what: "change limits",
    prepare: async (queue) => () =>
      queue.setLimits(
        "openai",
        { rpm: 60, models: { "gpt-5": { concurrency: 2 } } },
        audit(queue, "provider.limits_changed"),
      ),
  },
  {
    what: "change a share",
    prepare: async (queue) => () => queue.setWeight("org-1", 3, audit(queue, "organization.weight_changed")),
  },
  {
    what: "issue a key",
    prepare: async (queue, _, access) => () => access.issueKey(storedKey(queue), audit(queue, "key.issued")),
  },
  {
    what: "revoke a key",
    prepare: async (queue, _, access) => {
      const key = storedKey(queue)
      await access.issueKey(key, audit(queue, "key.issued"))
      let isGone = false
      return async () => {
        const told = await access.revokeKey(key.keyId, audit(queue, "key.revoked"))
        // A caller that asks again after an error cannot be told by whom it was revoked.
        const reply = told || isGone
        isGone = true
        return reply
      }
    },
    afterLoss: false,
  },
  {
    what: "note in the audit",
    prepare: async (queue, _, access) => () => access.audit(audit(queue, "queue.cleaned")),
  },
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
      queue.clock.advance(TOO_OLD_MS)
      return () => queue.maintain()
    },
  },
]
