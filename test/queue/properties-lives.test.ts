import { afterAll, beforeAll, describe, test } from "vitest"
import { scripts } from "../../src/queue/scripts.generated.ts"
import { storesUnderTest, type TestStore } from "../helpers/store.ts"
import { perform } from "./model/actions.ts"
import { checkLeases, checkLists, checkReads } from "./model/check.ts"
import type { ClaimPlan, RequestPlan, SettlementPlan, Step } from "./model/steps.ts"
import { World } from "./model/world.ts"

const DAY_MS = 86_400_000
const common = { client: 0, fault: null } as const

function enqueue(...requests: Partial<RequestPlan>[]): Step {
  const plain: RequestPlan = {
    provider: "openai",
    priority: "normal",
    organizationId: "org-1",
    delayMs: 0,
    deadlineMs: null,
    timeoutMs: 1000,
    resultTtlSeconds: 3600,
  }
  return { ...common, do: "enqueue", key: null, requests: requests.map((each) => ({ ...plain, ...each })) }
}

function claim(limit = 5): Step {
  return { ...common, do: "claim", claim: claimPlan(limit) }
}

function claimPlan(limit: number): ClaimPlan {
  return { owner: "lane-1:a", limit, maxBytes: 1_000_000, maxTimeoutMs: 600_000 }
}

function settle(...settlements: Partial<SettlementPlan>[]): Step {
  const plain = {
    pick: 0,
    whose: "held",
    kind: "completed",
    dueInMs: 0,
    timedOut: false,
    trouble: null,
  } as const
  const plans = settlements.map((each) => ({ ...plain, ...each }))
  return { ...common, do: "settle", settlements: plans, claim: null }
}

const wait = (ms: number): Step => ({ ...common, do: "wait", ms })
const cancel: Step = { ...common, do: "cancel", pick: 0, as: "owner" }
const lostAnswer = { kind: "drop after", onRead: false, times: 1 } as const
/** Three workers take what there is and die; the fourth claim gives it up. */
const neglect = [claim(), wait(97_000), claim(), wait(97_000), claim(), wait(97_000), claim(0)]

/** Counterexamples that random lives have come to, as small as they became. */
const LIVES: Record<string, Step[]> = {
  "a cancel whose answer was lost still tells who holds the lease": [
    enqueue({}),
    claim(),
    { ...cancel, fault: lostAnswer },
  ],
  "the history of a request that is cancelled while it backs off ends": [
    enqueue({}),
    claim(),
    settle({ kind: "retry", dueInMs: 60_000 }),
    cancel,
  ],
  "a retry that is said again after its deadline has passed changes nothing": [
    enqueue({ deadlineMs: 3000 }),
    claim(),
    settle({ kind: "retry", dueInMs: 1000 }),
    wait(4000),
    claim(),
    settle({ pick: 1, whose: "any" }),
  ],
  "an error after its request was given up is noted": [
    enqueue({}),
    ...neglect,
    settle({}),
    settle({ whose: "stale", kind: "failed" }),
  ],
  "one that comes back after its deadline is overdue": [
    enqueue({ deadlineMs: 60_000 }),
    claim(),
    wait(61_000),
    claim(),
    settle({ kind: "return" }),
    claim(),
  ],
  "a deadline that has passed unseen is not moved by maintenance": [
    enqueue({ deadlineMs: 60_000 }),
    wait(8 * DAY_MS),
    { ...common, do: "maintain" },
  ],
  "a lease is extended by a process that has not met its line": [
    enqueue({ provider: "anthropic" }),
    claim(),
    { ...common, client: 1, do: "extend", pick: 1, byMs: 1000 },
  ],
  "a late extension does not shorten a lease": [
    enqueue({}),
    claim(),
    { ...common, do: "extend", pick: 1, byMs: 300_000 },
    { ...common, do: "extend", pick: 1, byMs: 0 },
    { ...common, do: "late", pick: 0 },
  ],
  "an organization's list ends also when it was emptied and filled again": [
    enqueue({}),
    cancel,
    { ...common, do: "cleanup", olderThanSeconds: 0 },
    enqueue({}),
  ],
  "counts are true after a revival in one group with a failure": [
    enqueue({}),
    claim(),
    settle({ kind: "failed" }),
    enqueue({}),
    ...neglect,
    settle({}),
    enqueue({}),
    claim(),
    settle({ kind: "failed" }, { whose: "stale" }),
  ],
  "an organization's list ends also when one of another day is live": [
    enqueue({ delayMs: 9 * DAY_MS }),
    wait(DAY_MS),
    enqueue({}),
    cancel,
    { ...common, do: "cleanup", olderThanSeconds: 0 },
    enqueue({}),
  ],
  "a list of failures ends also when its only one revived as another failed": [
    enqueue({}),
    ...neglect,
    settle({}),
    enqueue({ deadlineMs: 1 }),
    wait(1),
    claim(),
    settle({}, { whose: "stale" }),
  ],
}

describe.each(storesUnderTest())("lives that went wrong once, on the $name store", ({ start }) => {
  let store: TestStore
  beforeAll(async () => {
    store = await start()
    // So that the answer which is lost is the one of the script.
    for (const source of Object.values(scripts)) await store.redis.scriptLoad(source)
  })
  afterAll(() => store.close())

  const repeat = async (steps: Step[]) => {
    await store.flush()
    const world = new World(store, { skewMs: 0, maxPending: 500_000 })
    try {
      for (const step of steps) {
        await perform(world, step)
        await checkReads(world, step.client, world.ids)
      }
      await checkLeases(world, 1)
      await checkLists(world, 1)
    } finally {
      world.close()
    }
  }
  for (const [what, steps] of Object.entries(LIVES)) test(what, () => repeat(steps))
})
