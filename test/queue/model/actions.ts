import type { NewRequest } from "../../../src/queue/contract.ts"
import type { TestQueue } from "../../helpers/queue.ts"
import { choose, type Plain, type StepOf, toEqual } from "./action-parts.ts"
import { closedBreaker } from "./breaker.ts"
import { atOnce } from "./courses.ts"
import { claimAction, extendAction, settleAction } from "./drain-actions.ts"
import { breakerOf, type ModelState } from "./state.ts"
import type { RequestPlan, SoloStep, Step } from "./steps.ts"
import {
  cancel,
  cleanup,
  discard,
  enqueue,
  markTooOld,
  replay,
  stateOf,
  stop,
  storeAll,
} from "./transitions.ts"
import { LONGEST_DELAY_MS, type World } from "./world.ts"

/** Does one step to the queue and to the model; what the store and the replies then say must agree. */
export async function perform(world: World, step: Step): Promise<void> {
  if (step.do === "wait") return world.pass(step.ms)
  if (step.do === "flushScripts") return world.flushScripts()
  if (step.do === "late") return world.arriveLate(step.pick)
  if (step.do === "both") return performBoth(world, step.steps)
  const queue = world.clients[step.client]
  const action = actionOf(world, queue, step)
  if (action !== null) await world.act({ ...action, fault: faultOf(step) })
}

/** Two processes at the same time. */
async function performBoth(world: World, steps: SoloStep[]): Promise<void> {
  const actions = steps.flatMap((step) => {
    if (step.do === "wait" || step.do === "flushScripts" || step.do === "late") return []
    return actionOf(world, world.clients[step.client], step) ?? []
  })
  const [first, second] = actions
  if (first !== undefined && second !== undefined) await world.actTogether(first, second)
  else if (first !== undefined) await world.act({ ...first, fault: null })
}

/** Work of many requests to the store may stop anywhere, so it always gets through. */
function faultOf({ do: name, fault }: SoloStep): SoloStep["fault"] {
  const isLong = name === "cleanup" || name === "maintain"
  return fault !== null && isLong ? { ...fault, times: Math.min(fault.times, 3) } : fault
}

type Acting = Exclude<SoloStep, { do: "wait" | "flushScripts" | "late" }>

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

function enqueueAction(world: World, queue: TestQueue, { requests, key, client }: StepOf<"enqueue">): Plain {
  const batch = requests.map((plan) => planned(queue, plan, world.newId(client)))
  world.batches.push(batch)
  return storing(world, queue, batch, key && { ...key, keyHash: key.name, organizationId: "org-1" })
}

function enqueueAgainAction(world: World, queue: TestQueue, { pick }: StepOf<"enqueueAgain">): Plain | null {
  const oldest = world.now - LONGEST_DELAY_MS
  const recent = world.batches.filter(([first]) => (first?.head.createdAt ?? 0) > oldest)
  const batch = choose(recent.toReversed(), pick)
  if (batch === undefined) return null
  for (const { head } of batch) {
    if (stateOf(world.state, head.requestId) === null) world.startAnew(head.requestId)
  }
  return storing(world, queue, batch, null)
}

function storing(
  world: World,
  queue: TestQueue,
  batch: NewRequest[],
  idempotency: { organizationId: string; keyHash: string; bodyHash: string } | null,
): Plain {
  const now = queue.clock()
  const store = (readFirst: "first" | "last") => (state: ModelState) =>
    enqueue(state, world.settings, now, batch, idempotency, readFirst)
  return {
    call: () =>
      idempotency === null
        ? queue.enqueue(batch).then((replies) => ({ requests: replies, replayed: false }))
        : queue.enqueueOnce(batch, idempotency),
    ways: [store("first"), store("last")],
    check: toEqual,
    late: (state) => {
      for (const { head } of batch)
        if (stateOf(state, head.requestId) === null) world.startAnew(head.requestId)
      storeAll(state, world.settings, now, batch, idempotency)
    },
  }
}

function planned(queue: TestQueue, plan: RequestPlan, requestId: string): NewRequest {
  const { delayMs, deadlineMs, ...head } = plan
  const now = queue.clock()
  return queue.newRequest({
    ...{ requestId, ...head },
    scheduledAt: delayMs === 0 ? null : now + delayMs,
    deadlineAt: deadlineMs === null ? null : now + delayMs + deadlineMs,
  })
}

function cancelAction(world: World, queue: TestQueue, { pick, as }: StepOf<"cancel">): Plain | null {
  const request = choose(world.batches.flat().toReversed(), pick)
  if (request === undefined) return null
  const { requestId, organizationId } = request.head
  const organization = { owner: organizationId, anyone: null, foreign: "org-3" }[as]
  const now = queue.clock()
  return {
    call: () => queue.cancel(requestId, organization),
    ways: [(state) => cancel(state, now, requestId, organization)],
    check: toEqual,
    late: (state, { name, args }) => {
      if (name === "cancel") stop(state, now, requestId, organization)
      else discard(state, requestId, Number(args.at(-1)))
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
      atOnce((state) => {
        if (paused) state.paused.add(name ?? "*")
        else state.paused.delete(name ?? "*")
        if (paused || name === null) return
        state.blocks.delete(name)
        state.breakers.set(name, closedBreaker(breakerOf(state, name).epoch + 1))
      }),
    ],
    check: () => undefined,
  }
}

function cleanupAction(queue: TestQueue, { olderThanSeconds, fault }: StepOf<"cleanup">): Plain {
  const now = queue.clock()
  return {
    call: () => queue.cleanup(olderThanSeconds),
    ways: [atOnce((state) => cleanup(state, now, olderThanSeconds))],
    // A lost answer is not counted again.
    check: (actual, expected) => fault === null && toEqual(actual, expected),
  }
}

function maintainAction(world: World, queue: TestQueue, _: StepOf<"maintain">): Plain {
  const now = queue.clock()
  return {
    call: () => queue.maintain(),
    ways: [
      atOnce((state) => {
        cleanup(state, now, null)
        markTooOld(state, world.settings, now)
      }),
    ],
    check: () => undefined,
  }
}
