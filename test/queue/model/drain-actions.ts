import { expect } from "vitest"
import type { Claim, ClaimedRequest, ClaimOptions, Overdue, Settlement } from "../../../src/queue/contract.ts"
import { type SettlementOptions, settlement, type TestQueue } from "../../helpers/queue.ts"
import { choose, type Plain, type StepOf, toEqual } from "./action-parts.ts"
import { claim, extend, holds, type ModelClaim, readBodies } from "./claiming.ts"
import { atOnce } from "./courses.ts"
import { record, settle } from "./settling.ts"
import type { ModelState } from "./state.ts"
import type { ClaimPlan, SettlementPlan } from "./steps.ts"
import type { World } from "./world.ts"

/** Where the scripts that settle are told which lists of finished requests they are given. */
const INDEXES_ARGUMENT = 6
const TURN_INDEXES_ARGUMENT = 15

/** Two processes never drain under one name. */
function ownClaim<Plan extends ClaimPlan | null>({
  claim: plan,
  client,
}: {
  claim: Plan
  client: 0 | 1
}): Plan {
  return plan && { ...plan, owner: `${plan.owner}-${client}` }
}

export function claimAction(world: World, queue: TestQueue, step: StepOf<"claim">): Plain {
  const options = ownClaim(step)
  const take = taking(world, queue, options)
  return {
    call: () => queue.claim(options),
    ways: [
      function* (state) {
        yield
        return yield* readBodies(state, take(state))
      },
    ],
    check: (actual, expected) =>
      checkClaim(world, queue, actual as Claim, expected as ModelClaim, {
        owner: options.owner,
        faulty: step.fault !== null,
      }),
    late: take,
  }
}

/** With the clock and the operation id that it was sent with, also when it comes again. */
function taking({ settings, claimOp }: World, queue: TestQueue, options: ClaimOptions) {
  const now = queue.clock()
  let op: string | null = null
  return (state: ModelState): ModelClaim => {
    op ??= claimOp(options.owner)
    return claim(state, settings, now, queue.settings.providers, options, op)
  }
}

function checkClaim(
  world: World,
  queue: TestQueue,
  actual: Claim,
  expected: ModelClaim,
  { owner, faulty }: { owner: string; faulty: boolean },
): void {
  const { nextAt, ...rest } = expected
  const plain: Omit<ModelClaim, "nextAt"> = {
    requests: actual.requests.map(
      ({ lease: { requestId, attempt, expiresAt }, head, retries, timeouts }) => ({
        ...{ requestId, attempt, expiresAt, retries, timeouts, deadlineAt: head.deadlineAt },
      }),
    ),
    overdue: actual.overdue.map(({ lease: { requestId, attempt }, reason }) => ({
      requestId,
      attempt,
      reason,
    })),
    remaining: expected.remaining,
    maintenanceDue: actual.maintenanceDue,
  }
  const [least, most] = expected.remaining
  expect(actual.remaining).toBeGreaterThanOrEqual(least)
  expect(actual.remaining).toBeLessThanOrEqual(most)
  expect(sorted(plain, faulty)).toEqual(sorted(rest, faulty))
  const { wakeAt } = actual
  if (nextAt !== null) {
    expect(wakeAt, "something is to come").not.toBeNull()
    expect(wakeAt).toBeLessThanOrEqual(nextAt)
  }
  // At once, where the answer was lost that would have told more.
  const soonest = queue.clock() + (faulty ? 0 : 1)
  if (wakeAt !== null) expect(wakeAt, "a time that is over").toBeGreaterThanOrEqual(soonest)
  const known = new Map(world.batches.flat().map((request) => [request.head.requestId, request]))
  for (const claimed of actual.requests) {
    const { head, body } = known.get(claimed.lease.requestId) ?? {}
    expect(claimed.body).toEqual(body)
    // A replay changes its deadline.
    expect(claimed.head).toEqual({ ...head, deadlineAt: claimed.head.deadlineAt })
    expect(claimed.lease.op).toBe(world.claimOp(owner))
    world.ledger.gaveOut(claimed)
  }
  world.taken.push(...actual.overdue, ...actual.requests)
}

/** A repeated claim gives the same set; its order is lost. Overdue ones come in no order. */
function sorted(plain: Omit<ModelClaim, "nextAt">, faulty: boolean): Omit<ModelClaim, "nextAt"> {
  const byId = (a: { requestId: string }, b: { requestId: string }) => (a.requestId < b.requestId ? -1 : 1)
  return {
    ...plain,
    requests: faulty ? plain.requests.toSorted(byId) : plain.requests,
    overdue: plain.overdue.toSorted(byId),
  }
}

export function settleAction(world: World, queue: TestQueue, step: StepOf<"settle">): Plain | null {
  const settlements = distinct(step.settlements.flatMap((plan) => planSettlement(world, queue, plan) ?? []))
  if (settlements.length === 0) return null
  const { settings } = world
  const now = queue.clock()
  const plan = ownClaim(step)
  const take = plan === null ? null : taking(world, queue, plan)
  const { providers } = queue.settings
  return {
    call: async () =>
      plan === null
        ? { replies: await queue.settle(settlements), claim: undefined }
        : await queue.turn(settlements, plan),
    ways: [
      function* (state) {
        const done = yield* settle(state, settings, now, providers, settlements, (at) => take?.(at))
        const { replies, claimed } = done
        return { replies, claim: claimed && (yield* readBodies(state, claimed)) }
      },
    ],
    check: (actual, expected) => {
      const { replies, claim: taken } = actual as { replies: string[]; claim: Claim | undefined }
      const model = expected as { replies: string[]; claim: ModelClaim | undefined }
      expect(replies).toEqual(model.replies)
      if (taken !== undefined && model.claim !== undefined && plan !== null)
        checkClaim(world, queue, taken, model.claim, { owner: plan.owner, faulty: step.fault !== null })
    },
    late: (state, { name, args }) => {
      const sent = settlements.filter(({ lease }) => args.includes(lease.requestId))
      const indexes = args[name === "turn" ? TURN_INDEXES_ARGUMENT : INDEXES_ARGUMENT] ?? ""
      const days = [...indexes.matchAll(/failed:(\d+)/g)].map(([, day]) => Number(day))
      record(state, settings, now, providers, sent, days)
      if (name === "turn") take?.(state)
    },
  }
}

function distinct(settlements: Settlement[]): Settlement[] {
  return [...new Map(settlements.map((each) => [each.lease.requestId, each])).values()]
}

function planSettlement(world: World, queue: TestQueue, plan: SettlementPlan): Settlement | null {
  const { live, outcomes } = world.state
  const all = world.taken.toReversed()
  const isHeld = ({ lease }: ClaimedRequest | Overdue) => {
    const request = live.get(lease.requestId)
    return request !== undefined && holds(request, lease)
  }
  const isStale = (each: ClaimedRequest | Overdue) => {
    const { requestId } = each.lease
    const isOpen = live.has(requestId) || outcomes.get(requestId)?.code === "lease_expired"
    return isOpen && !world.said.has(each) && !isHeld(each)
  }
  const meant = { held: all.filter(isHeld), stale: all.filter(isStale), any: all }[plan.whose]
  const chosen = choose(meant.length === 0 ? all : meant, plan.pick)
  if (chosen === undefined) return null
  const now = queue.clock()
  // A drain decides once what an attempt came to; all it may do is to say so again.
  const said = world.said.get(chosen)
  if (said !== undefined) return said
  const decided = settlement(chosen, plan.kind, {
    ...{ dueAt: now + plan.dueInMs, finishedAt: now, report: reportOf(plan, now) },
    code: plan.timedOut ? "timeout" : "provider_unavailable",
  })
  if (decided.decision.kind === "release") world.ledger.handedBack(decided.lease)
  world.said.set(chosen, decided)
  return decided
}

function reportOf({ trouble }: SettlementPlan, now: number): NonNullable<SettlementOptions["report"]> {
  if (trouble === null) return {}
  if (trouble.kind === "rate") return { health: "ok", blockedUntil: now + trouble.forMs }
  return { health: trouble.kind === "account" ? "account" : "trouble" }
}

export function extendAction(world: World, queue: TestQueue, { pick, byMs }: StepOf<"extend">): Plain | null {
  const all = world.leases.map((each) => each.lease).reverse()
  const held = all.filter(({ requestId, attempt, op }) => {
    const live = world.state.live.get(requestId)
    return live !== undefined && holds(live, { attempt, op })
  })
  const lease = choose(held.length > 0 && pick % 5 > 0 ? held : all, pick)
  if (lease === undefined) return null
  const expiresAt = Math.max(lease.expiresAt, queue.clock()) + byMs
  return {
    call: () => queue.extend(lease, expiresAt),
    ways: [atOnce((state) => extend(state, lease, expiresAt))],
    check: toEqual,
    late: (state) => {
      extend(state, lease, expiresAt)
    },
  }
}
