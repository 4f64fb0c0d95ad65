import { expect } from "vitest"
import { isFinished } from "../../../src/core/outcome.ts"
import type { Claim, ClaimOptions, NewRequest, Settlement } from "../../../src/queue/contract.ts"
import { settlement, type TestQueue } from "../../helpers/queue.ts"
import { claim, extend, holds, type ModelClaim } from "./claiming.ts"
import { settle } from "./settling.ts"
import type { ModelState } from "./state.ts"
import type { ClaimPlan, RequestPlan, SettlementPlan, Step } from "./steps.ts"
import { cancel, cleanup, enqueue, markTooOld, replay, stateOf } from "./transitions.ts"
import { type Action, LONGEST_DELAY_MS, type World } from "./world.ts"

type StepOf<Name extends Step["do"]> = Extract<Step, { do: Name }>

/** Does one step to the queue and to the model; what the store and the replies then say must agree. */
export async function perform(world: World, step: Step): Promise<void> {
  if (step.do === "wait") return world.pass(step.ms)
  if (step.do === "flushScripts") return world.flushScripts()
  if (step.do === "late") return world.arriveLate(step.pick)
  const queue = world.clients[step.client]
  const action = actionOf(world, queue, step)
  if (action !== null) await world.act({ ...action, fault: faultOf(step) })
}

/** Work of many requests to the store may stop anywhere, so it always gets through. */
function faultOf({ do: name, fault }: Step): Step["fault"] {
  const isLong = name === "cleanup" || name === "maintain"
  return fault !== null && isLong ? { ...fault, times: Math.min(fault.times, 3) } : fault
}

type Plain = Omit<Action, "fault">
type Acting = Exclude<Step, { do: "wait" | "flushScripts" | "late" }>

function actionOf(world: World, queue: TestQueue, step: Acting): Plain | null {
  switch (step.do) {
    case "enqueue":
      return enqueueAction(world, queue, step)
    case "enqueueAgain":
      return enqueueAgainAction(world, queue, step)
    case "claim":
      return claimAction(world, queue, step)
    case "settle":
      return settleAction(world, queue, step)
    case "extend":
      return extendAction(world, queue, step)
    case "cancel":
      return cancelAction(world, queue, step)
    case "replay":
      return replayAction(world, queue, step)
    case "pause":
      return pauseAction(queue, step)
    case "cleanup":
      return cleanupAction(queue, step)
    case "maintain":
      return maintainAction(world, queue, step)
  }
}

/** The newest first. */
function choose<Item>(items: readonly Item[], pick: number): Item | undefined {
  return items.length === 0 ? undefined : items[pick % items.length]
}

function toEqual(actual: unknown, expected: unknown): void {
  expect(actual).toEqual(expected)
}

function enqueueAction(world: World, queue: TestQueue, { requests, key }: StepOf<"enqueue">): Plain {
  const batch = requests.map((plan) => planned(queue, plan))
  world.batches.push(batch)
  return storing(world, queue, batch, key && { ...key, keyHash: key.name, organizationId: "org-1" })
}

function enqueueAgainAction(world: World, queue: TestQueue, { pick }: StepOf<"enqueueAgain">): Plain | null {
  const oldest = world.now - LONGEST_DELAY_MS
  const recent = world.batches.filter(([first]) => (first?.head.createdAt ?? 0) > oldest)
  const batch = choose(recent.toReversed(), pick)
  if (batch === undefined) return null
  for (const { head } of batch) {
    if (stateOf(world.state, head.requestId) === null) world.ledger.startsAnew(head.requestId)
  }
  return storing(world, queue, batch, null)
}

function storing(
  { settings, ledger }: World,
  queue: TestQueue,
  batch: NewRequest[],
  idempotency: { organizationId: string; keyHash: string; bodyHash: string } | null,
): Plain {
  const now = queue.clock()
  const store = (state: ModelState) => enqueue(state, settings, now, batch, idempotency)
  return {
    call: () =>
      idempotency === null
        ? queue.enqueue(batch).then((replies) => ({ requests: replies, replayed: false }))
        : queue.enqueueOnce(batch, idempotency),
    ways: [store],
    check: toEqual,
    late: (state, [result]) => {
      if (isRefusedForLines(result)) return
      for (const { head } of batch)
        if (stateOf(state, head.requestId) === null) ledger.startsAnew(head.requestId)
      store(state)
    },
  }
}

function planned(queue: TestQueue, plan: RequestPlan): NewRequest {
  const { delayMs, deadlineMs, ...head } = plan
  const now = queue.clock()
  return queue.newRequest({
    ...head,
    scheduledAt: delayMs === 0 ? null : now + delayMs,
    deadlineAt: deadlineMs === null ? null : now + delayMs + deadlineMs,
  })
}

/** This arrived with fewer lines than there are by now, and changed nothing. */
function isRefusedForLines(result: unknown): boolean {
  return Array.isArray(result) && result[0] === "lines"
}

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

function claimAction(world: World, queue: TestQueue, step: StepOf<"claim">): Plain {
  const options = ownClaim(step)
  const take = taking(world, queue, options)
  return {
    call: () => queue.claim(options),
    ways: [take, twice(take)],
    check: (actual, expected) =>
      checkClaim(world, queue, actual as Claim, expected as ModelClaim, step.fault !== null),
    late: (state, [result]) => {
      if (!isRefusedForLines(result)) take(state)
    },
  }
}

/** Its answer was lost, and the same was asked again. */
function twice<Reply>(way: (state: ModelState) => Reply): (state: ModelState) => Reply {
  return (state) => {
    way(state)
    return way(state)
  }
}

/** With the clock and the operation id that it was sent with, also when it comes again. */
function taking({ settings, claimOp }: World, queue: TestQueue, options: ClaimOptions) {
  const now = queue.clock()
  let op: string | null = null
  return (state: ModelState): ModelClaim => {
    op ??= claimOp()
    return claim(state, settings, now, queue.settings.providers, options, op)
  }
}

function checkClaim(
  world: World,
  queue: TestQueue,
  actual: Claim,
  expected: ModelClaim,
  faulty: boolean,
): void {
  const { nextAt, ...rest } = expected
  const plain: Omit<ModelClaim, "nextAt"> = {
    requests: actual.requests.map(({ lease: { requestId, attempt, expiresAt }, retries, timeouts }) => ({
      ...{ requestId, attempt, expiresAt, retries, timeouts },
    })),
    overdue: actual.overdue.map(({ lease: { requestId, attempt }, reason }) => ({
      requestId,
      attempt,
      reason,
    })),
    remaining: actual.remaining,
    maintenanceDue: actual.maintenanceDue,
  }
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
    const { deadlineAt } = world.state.live.get(claimed.lease.requestId) ?? {}
    expect(claimed.body).toEqual(body)
    expect(claimed.head).toEqual({ ...head, deadlineAt })
    expect(claimed.lease.op).toBe(world.claimOp())
    world.ledger.gaveOut(claimed)
  }
  world.leases.push(...actual.requests)
  world.overdue.push(...actual.overdue)
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

function settleAction(world: World, queue: TestQueue, step: StepOf<"settle">): Plain | null {
  const settlements = distinct(step.settlements.flatMap((plan) => planSettlement(world, queue, plan) ?? []))
  if (settlements.length === 0) return null
  const { settings } = world
  const now = queue.clock()
  const record = (state: ModelState, chosen = settlements) => settle(state, settings, now, chosen)
  const plan = ownClaim(step)
  const take = plan === null ? null : taking(world, queue, plan)
  const inOrder = (state: ModelState) => ({ replies: record(state), claim: take?.(state) })
  /** The store knew the claim's script, and had to be told that of settle. */
  const claimFirst = (state: ModelState) => {
    const taken = take?.(state)
    return { replies: record(state), claim: taken }
  }
  const withoutRevived = (state: ModelState) => {
    record(
      state,
      settlements.filter(({ lease }) => state.outcomes.get(lease.requestId)?.code !== "lease_expired"),
    )
    take?.(state)
  }
  return {
    call: async () =>
      plan === null
        ? { replies: await queue.settle(settlements), claim: undefined }
        : await queue.turn(settlements, plan),
    ways: [inOrder, twice(inOrder), ...(take === null ? [] : [claimFirst, twice(claimFirst)])],
    halfWays: [withoutRevived],
    check: (actual, expected) => {
      const { replies, claim: taken } = actual as { replies: string[]; claim: Claim | undefined }
      const model = expected as { replies: string[]; claim: ModelClaim | undefined }
      expect(replies).toEqual(model.replies)
      if (taken !== undefined && model.claim !== undefined)
        checkClaim(world, queue, taken, model.claim, step.fault !== null)
    },
    late: (state, results) => {
      const answers = results[0] as string[]
      if (!isRefusedForLines(answers))
        record(
          state,
          settlements.filter((_, i) => !answers[i]?.startsWith("again:")),
        )
      if (take !== null && !isRefusedForLines(results[1])) take(state)
    },
  }
}

function distinct(settlements: Settlement[]): Settlement[] {
  return [...new Map(settlements.map((each) => [each.lease.requestId, each])).values()]
}

function planSettlement(world: World, queue: TestQueue, plan: SettlementPlan): Settlement | null {
  const { live } = world.state
  const all = [...world.leases, ...world.overdue].reverse()
  const held = all.filter(({ lease }) => {
    const request = live.get(lease.requestId)
    return request !== undefined && holds(request, lease)
  })
  const chosen = choose(plan.held && held.length > 0 ? held : all, plan.pick)
  if (chosen === undefined) return null
  const now = queue.clock()
  const line = "head" in chosen ? chosen.head.provider : "openai"
  const block = plan.block && {
    ...{ provider: line, untilAt: now + plan.block.forMs, cause: plan.block.cause },
  }
  // A drain decides once what an attempt came to; all it may do is to say so again.
  const said = world.said.get(chosen)
  if (said !== undefined) return said
  const decided = settlement(chosen, plan.kind, {
    ...{ dueAt: now + plan.dueInMs, finishedAt: now, block },
    code: plan.timedOut ? "timeout" : "provider_unavailable",
  })
  if (decided.decision.kind === "release") world.ledger.handedBack(decided.lease)
  world.said.set(chosen, decided)
  return decided
}

function extendAction(world: World, queue: TestQueue, { pick, byMs }: StepOf<"extend">): Plain | null {
  const chosen = choose(world.leases.toReversed(), pick)
  if (chosen === undefined) return null
  const { lease } = chosen
  const expiresAt = Math.max(lease.expiresAt, queue.clock()) + byMs
  return {
    call: () => queue.extend(lease, expiresAt),
    ways: [(state) => extend(state, lease, expiresAt)],
    check: toEqual,
    late: (state) => {
      extend(state, lease, expiresAt)
    },
  }
}

function cancelAction(world: World, queue: TestQueue, { pick, as }: StepOf<"cancel">): Plain | null {
  const request = choose(world.batches.flat().toReversed(), pick)
  if (request === undefined) return null
  const { requestId, organizationId } = request.head
  const organization = { owner: organizationId, anyone: null, foreign: "org-3" }[as]
  const now = queue.clock()
  const stop = (state: ModelState) => cancel(state, now, requestId, organization)
  return {
    call: () => queue.cancel(requestId, organization),
    ways: [stop],
    check: toEqual,
    late: (state) => {
      const known = stateOf(state, requestId)
      if (known !== null && !isFinished(known)) stop(state)
    },
  }
}

function replayAction(world: World, queue: TestQueue, { pick, deadlineMs }: StepOf<"replay">): Plain | null {
  const failed = world.ids.filter((id) => stateOf(world.state, id) === "failed")
  const requestId = choose(failed, pick) ?? choose(world.ids, pick)
  if (requestId === undefined) return null
  const now = queue.clock()
  const deadlineAt = deadlineMs === null ? null : now + deadlineMs
  return {
    call: async () => {
      const reply = await queue.replay(requestId, null, { deadlineAt })
      return reply.kind === "replayed" ? { kind: reply.kind, position: reply.reply.position } : reply
    },
    ways: [(state) => replay(state, world.settings, now, requestId, deadlineAt)],
    check: toEqual,
  }
}

function pauseAction(queue: TestQueue, { name, paused }: StepOf<"pause">): Plain {
  return {
    call: () => queue.setPaused(name, paused),
    ways: [
      (state) => {
        if (paused) state.paused.add(name ?? "*")
        else state.paused.delete(name ?? "*")
      },
    ],
    check: () => undefined,
  }
}

function cleanupAction(queue: TestQueue, { olderThanSeconds, fault }: StepOf<"cleanup">): Plain {
  const now = queue.clock()
  return {
    call: () => queue.cleanup(olderThanSeconds),
    ways: [(state) => cleanup(state, now, olderThanSeconds)],
    // A lost answer is not counted again.
    check: (actual, expected) => fault === null && toEqual(actual, expected),
  }
}

function maintainAction(world: World, queue: TestQueue, _: StepOf<"maintain">): Plain {
  const now = queue.clock()
  return {
    call: () => queue.maintain(),
    ways: [
      (state) => {
        cleanup(state, now, null)
        markTooOld(state, world.settings, now)
      },
    ],
    check: () => undefined,
  }
}
