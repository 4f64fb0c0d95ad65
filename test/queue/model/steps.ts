import fc from "fast-check"
import { PRIORITIES, type Priority } from "../../../src/core/request.ts"

/** What goes wrong on the way to the store, for how many of the next requests; four are one too many. */
export interface FaultPlan {
  kind: "drop before" | "drop after" | "500 before" | "500 after" | "429" | "html" | "noscript"
  /** Only requests that read heads and bodies. */
  onRead: boolean
  times: number
}

export interface RequestPlan {
  provider: "openai" | "anthropic"
  priority: Priority
  organizationId: "org-1" | "org-2"
  delayMs: number
  /** After it is due. */
  deadlineMs: number | null
  timeoutMs: number
  resultTtlSeconds: number
}

export interface ClaimPlan {
  owner: string
  limit: number
  maxBytes: number
  maxTimeoutMs: number
}

export interface SettlementPlan {
  pick: number
  /** A lease that is held, one whose request has moved on without its holder, or any that was ever given out. */
  whose: "held" | "stale" | "any"
  kind: "completed" | "failed" | "retry" | "return" | "release" | "note"
  dueInMs: number
  timedOut: boolean
  trouble: { kind: "rate" | "account" | "down"; forMs: number } | null
}

/** `client`: which of two processes, whose clocks may differ. `pick`: which of those known, the newest first. */
export type Step = SoloStep | { client: 0 | 1; fault: null; do: "both"; steps: [SoloStep, SoloStep] }

/** What one process does; `both` do theirs at the same time, and it must have been one after the other. */
export type SoloStep = { client: 0 | 1; fault: FaultPlan | null } & (
  | { do: "enqueue"; requests: RequestPlan[]; key: { name: string; bodyHash: string } | null }
  | { do: "enqueueAgain"; pick: number }
  | { do: "claim"; claim: ClaimPlan }
  | { do: "settle"; settlements: SettlementPlan[]; claim: ClaimPlan | null }
  | { do: "extend"; pick: number; byMs: number }
  | { do: "cancel"; pick: number; as: "owner" | "anyone" | "foreign" }
  | { do: "replay"; pick: number; deadlineMs: number | null }
  | { do: "pause"; name: "openai" | null; paused: boolean }
  | { do: "wait"; ms: number }
  | { do: "cleanup"; olderThanSeconds: number | null }
  | { do: "maintain" }
  | { do: "flushScripts" }
  /** A request to the store that was held up on its way, or sent twice, arrives after others. */
  | { do: "late"; pick: number }
)

const FAULTS: FaultPlan["kind"][] = [
  ...(["drop before", "drop after", "500 before", "500 after"] as const),
  ...(["429", "html", "noscript"] as const),
]
/** null in all but one of `of` cases, and where a counterexample can do without. */
function seldom<Value>(of: number, arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> {
  return fc.oneof({ weight: of - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary })
}

const fault = seldom(
  4,
  fc.record({
    kind: fc.constantFrom(...FAULTS),
    onRead: fc.boolean(),
    times: fc.constantFrom(1, 1, 2, 3, 4),
  }),
)
const pick = fc.nat(30)

const requestPlan: fc.Arbitrary<RequestPlan> = fc.record({
  provider: fc.constantFrom("openai", "openai", "anthropic"),
  priority: fc.constantFrom(...PRIORITIES),
  organizationId: fc.constantFrom("org-1", "org-2"),
  delayMs: fc.constantFrom(0, 0, 0, 500, 5000, 3_600_000),
  deadlineMs: fc.constantFrom(null, null, null, null, 3000, 60_000, 60_000),
  timeoutMs: fc.constantFrom(1000, 30_000, 600_000),
  resultTtlSeconds: fc.constantFrom(3600, 7200, 86_400),
})

const claimPlan: fc.Arbitrary<ClaimPlan> = fc.record({
  owner: fc.constantFrom("lane-1:a", "lane-2:a", "tick:a"),
  limit: fc.constantFrom(1, 2, 5, 5, 0),
  maxBytes: fc.constantFrom(1_000_000, 1_000_000, 1_000_000, 150),
  maxTimeoutMs: fc.constantFrom(600_000, 600_000, 600_000, 30_000),
})

const settlementPlan: fc.Arbitrary<SettlementPlan> = fc.record({
  pick,
  whose: fc.constantFrom("held", "held", "stale", "any"),
  kind: fc.constantFrom(
    ...(["completed", "completed", "completed", "completed", "failed"] as const),
    ...(["retry", "retry", "return", "release", "note"] as const),
  ),
  dueInMs: fc.constantFrom(0, 1, 1000, 60_000),
  timedOut: fc.boolean(),
  trouble: seldom(
    4,
    fc.record({
      kind: fc.constantFrom("rate", "account", "down", "down", "down"),
      forMs: fc.constantFrom(0, 1000, 60_000),
    }),
  ),
})

/** Many are about a deadline, a lease, or one and a half of them. */
const WAITS = [
  ...[1, 1, 50, 50, 1000, 1000, 4000, 4000, 31_000, 61_000, 61_000, 97_000, 97_000],
  ...[640_000, 7_200_000, 86_400_000, 700_000_000],
]

/** Each is one script at a time, or reads and then one that checks what it read. */
const shortAction = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("enqueue" as const),
      requests: fc.array(requestPlan, { minLength: 1, maxLength: 4 }),
      key: seldom(4, fc.record({ name: fc.constantFrom("a1", "b2"), bodyHash: fc.constantFrom("c3", "d4") })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("enqueueAgain" as const), pick }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("claim" as const), claim: claimPlan }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      settlements: fc.array(settlementPlan, { minLength: 1, maxLength: 3 }),
      claim: seldom(2, claimPlan),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("extend" as const),
      pick,
      byMs: fc.constantFrom(0, 1000, 300_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("cancel" as const),
      pick,
      as: fc.constantFrom("owner", "anyone", "foreign"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("replay" as const),
      pick,
      deadlineMs: fc.constantFrom(null, 1, 60_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("pause" as const),
      name: fc.constantFrom("openai", null),
      paused: fc.constantFrom(false, false, true),
    }),
  },
)
const action = fc.oneof(
  { weight: 34, arbitrary: shortAction },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(...WAITS) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("cleanup" as const),
      olderThanSeconds: fc.constantFrom(null, 0, 60, 86_400),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("maintain" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("flushScripts" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("late" as const), pick: fc.nat(8) }) },
)

/**
 * A life of a queue: up to that many steps; it shrinks to fewer and simpler ones. Without fast-check's bias towards
 * small values, with which most lives end before anything is claimed a second time.
 */
export function anyLife(maxLength: number): fc.Arbitrary<Step[]> {
  const client = fc.constantFrom(0 as const, 1 as const)
  const step = fc
    .tuple(client, fault, action)
    .map(([by, wrong, what]): Step[] => [{ client: by, fault: wrong, ...what }])
  const both = fc.tuple(shortAction, shortAction).map(([first, second]): Step[] => {
    const steps: [SoloStep, SoloStep] = [
      { client: 0, fault: null, ...first },
      { client: 1, fault: null, ...second },
    ]
    return [{ client: 0, fault: null, do: "both", steps }]
  })
  const stretch = fc.oneof(
    { weight: 20, arbitrary: step },
    { weight: 5, arbitrary: both },
    { weight: 1, arbitrary: client.map(neglect) },
    { weight: 1, arbitrary: contention },
  )
  return fc.noBias(fc.array(stretch, { minLength: 1, maxLength, size: "max" })).map((parts) => parts.flat())
}

const CLAIM_ALL = { limit: 5, maxBytes: 1_000_000, maxTimeoutMs: 600_000 }

const onNewest = fc.oneof(
  fc.record({ do: fc.constant("cancel" as const), pick: fc.constant(0), as: fc.constant("owner" as const) }),
  fc.record({
    do: fc.constant("replay" as const),
    pick: fc.constant(0),
    deadlineMs: fc.constantFrom(null, 60_000),
  }),
  fc.record({ do: fc.constant("enqueueAgain" as const), pick: fc.constant(0) }),
  fc.record({
    do: fc.constant("settle" as const),
    settlements: fc.tuple(settlementPlan.map((plan) => ({ ...plan, pick: 0, whose: "any" as const }))),
    claim: fc.constantFrom(null, { owner: "lane-1:a", ...CLAIM_ALL }),
  }),
)

const anyEnd = fc.constantFrom(...(["failed", "failed", "completed", "retry"] as const))

/** A request comes to some end, and two processes are about it at the same time. */
const contention = fc
  .tuple(requestPlan, settlementPlan, anyEnd, onNewest, onNewest)
  .map(([request, plan, kind, first, second]): Step[] => {
    const by = { client: 0, fault: null } as const
    return [
      { ...by, do: "enqueue", requests: [{ ...request, delayMs: 0 }], key: null },
      { ...by, do: "claim", claim: { owner: "lane-3:a", ...CLAIM_ALL } },
      { ...by, do: "settle", settlements: [{ ...plan, kind, pick: 0, whose: "held" }], claim: null },
      {
        ...by,
        do: "both",
        steps: [
          { ...by, ...first },
          { ...by, client: 1, ...second },
        ],
      },
    ]
  })

/** Workers take requests and are never heard of again, until the requests are given up. */
function neglect(client: 0 | 1): Step[] {
  const limits = [5, 5, 5, 0]
  const claims = limits.map((limit): Step[] => {
    const claim = { owner: "lane-3:a", ...CLAIM_ALL, limit }
    return [
      { client, fault: null, do: "claim", claim },
      { client, fault: null, do: "wait", ms: limit === 0 ? 1 : 640_000 },
    ]
  })
  return claims.flat()
}
