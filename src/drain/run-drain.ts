import { kindOf } from "../core/errors.ts"
import type {
  Claim,
  ClaimedRequest,
  ClaimOptions,
  Lease,
  Settlement,
  SettleReply,
} from "../queue/contract.ts"
import { type Caller, callRequest } from "./call-request.ts"
import { handBack, settleOverdue } from "./decide-outcome.ts"
import { Drain, type DrainDeps, type DrainOptions } from "./drain.ts"
import type { HeldRequest } from "./hand.ts"
import type { Group } from "./outbox.ts"
import { type DrainReport, reportCall, reportClaimed, reportEnd, reportSettled } from "./report.ts"

/** The queue tries an operation four times before it gives up; each try is a subrequest. */
const MORE_TRIES_OF_THE_QUEUE = 3
/** About: most hours there is little to remove. */
const TRIPS_OF_MAINTENANCE = 8

/**
 * Claims, calls, decides and settles, again and again, until nothing is in hand and nothing can be
 * claimed, or the invocation's budget is spent. It claims as places become free, so one slow call
 * holds back no other, and waits in place for what is due within two seconds, mostly a first retry.
 * Never throws; what went wrong is counted in the report.
 */
export function runDrain(deps: DrainDeps, options: DrainOptions): Promise<DrainReport> {
  return carryOut(new Drain(deps, options))
}

/** The same for a drain that others hold too, to wake it or to end one of its calls. */
export async function carryOut(drain: Drain): Promise<DrainReport> {
  for (;;) {
    drain.sendSpans()
    const step = drain.nextStep()
    switch (step.kind) {
      case "turn":
        await turn(drain, step.group, step.claim)
        break
      case "look":
        await look(drain, step.leases, step.atProviders)
        break
      case "maintain":
        await maintain(drain)
        break
      case "roll":
        await roll(drain)
        break
      case "rest":
        await drain.bell.rest(step.ms)
        break
      case "end":
        return await close(drain)
    }
  }
}

/** Settles a group, claims, or both in the same round trip, and starts what was claimed. */
async function turn(drain: Drain, group: Group | null, options: ClaimOptions | null): Promise<void> {
  const { appetite, deps } = drain
  const settlements = group?.settlements ?? []
  let exchanged: { replies: SettleReply[]; claim: Claim | null }
  try {
    exchanged = await exchange(drain, settlements, options && { ...options, ...drain.claimAsked.options })
  } catch (error) {
    storeFailed(drain, options === null ? "settle" : group === null ? "claim" : "turn", error)
    group?.failed(deps.clock())
    if (options !== null) appetite.failed(deps.clock())
    return
  }
  const { replies, claim } = exchanged
  appetite.answered()
  drain.gate.open(settlements)
  for (const [i, settlement] of settlements.entries()) {
    const reply = replies[i] ?? "gone"
    reportSettled(drain.report, deps, settlement, reply)
    drain.options.observer?.settled(settlement, reply)
  }
  if (claim === null) {
    // What these calls leave room for, others have to find.
    if (drain.claimsNoMore) appetite.kick()
    return
  }
  drain.claimAsked.answered()
  receive(drain, claim)
}

async function exchange(drain: Drain, settlements: Settlement[], options: ClaimOptions | null) {
  const { queue } = drain.deps
  drain.budget.spend(1)
  if (options === null) return { replies: await queue.settle(settlements), claim: null }
  if (settlements.length === 0) return { replies: [], claim: await queue.claim(options) }
  return await queue.turn(settlements, options)
}

function receive(drain: Drain, claim: Claim): void {
  const { appetite, budget, deps, report } = drain
  appetite.claimed(claim, deps.clock())
  if (claim.requests.length > 0) budget.spend(1)
  report.claimed += claim.requests.length
  report.remaining = claim.remaining
  drain.isMaintenanceDue ||= claim.maintenanceDue
  drain.isRollDue ||= claim.rollDue
  for (const overdue of claim.overdue) drain.decided(settleOverdue(overdue))
  for (const claimed of claim.requests) {
    const provider = deps.providers.get(claimed.target.provider)
    if (drain.gate.isClosed(claimed.target.provider) || !drain.affordsCall) {
      drain.decided(handBack(claimed.lease))
      continue
    }
    if (provider !== undefined) {
      reportClaimed(deps.log, claimed, drain.options.owner)
      start(drain, claimed, provider)
      continue
    }
    // Only lines of configured providers are served, so the settings disagree: nobody's request is failed for it.
    deps.log.error("provider_missing", { provider: claimed.target.provider })
    drain.isStopped = true
    drain.decided(handBack(claimed.lease))
  }
  if (claim.choresDue) drain.seeToChores()
  drain.options.observer?.claimed(claim)
}

/** Does not wait: the call's end rings the bell. */
function start(drain: Drain, claimed: ClaimedRequest, provider: Caller): void {
  const { deps, slots, storeSlots, budget, setTimer } = drain
  const held = drain.hand.take(claimed, deps.clock())
  const end = (ended: Settlement | null) => {
    drain.hand.drop(held)
    drain.partials.drop(held)
    const settlement = ended ?? (held.isGivenBack ? handBack(claimed.lease) : null)
    if (settlement !== null) {
      reportCall(deps.tracing, claimed, settlement)
      drain.decided(settlement)
    }
    drain.bell.ring()
  }
  const onText = (text: string) => drain.partials.grow(held, text)
  callRequest({ ...deps, setTimer, slots, storeSlots, budget, onText }, held, provider).then(
    end,
    (error: unknown) => {
      callLost(drain, held, error)
      end(null)
    },
  )
}

/** Not reachable but by a mistake of ours; the lease runs out, and the request is called again. */
function callLost(drain: Drain, { claimed }: HeldRequest, error: unknown): void {
  drain.failed("internal")
  const { requestId, attempt } = claimed.lease
  drain.deps.log.error("call_lost", { requestId, attempt, kind: kindOf(error) })
}

/** Ends the calls of requests that were cancelled meanwhile; hands back what waits for a provider that is shut by now. */
async function look(drain: Drain, leases: Lease[], atProviders: boolean): Promise<void> {
  const { budget, deps, hand } = drain
  try {
    budget.spend(Number(leases.length > 0) + Number(atProviders))
    if (atProviders) for (const provider of await deps.queue.shutProviders()) hand.giveBack(provider)
    if (leases.length === 0) return
    const { lost, watchedUntil } = await deps.queue.lookAtLeases(leases)
    hand.abort(lost)
    drain.watch(watchedUntil)
  } catch (error) {
    storeFailed(drain, "look", error)
  }
}

/** What was claimed is being called meanwhile. */
async function maintain(drain: Drain): Promise<void> {
  drain.isMaintenanceDue = false
  try {
    drain.budget.spend(TRIPS_OF_MAINTENANCE)
    await drain.deps.queue.maintain()
    // It makes requests overdue that have waited for too long.
    drain.appetite.kick()
  } catch (error) {
    storeFailed(drain, "maintain", error)
  }
}

/** Not tried again when it fails: the next minute's claim asks for it anew. */
async function roll(drain: Drain): Promise<void> {
  drain.isRollDue = false
  try {
    drain.budget.spend(1)
    await drain.deps.queue.roll()
  } catch (error) {
    storeFailed(drain, "roll", error)
  }
}

function storeFailed(drain: Drain, op: string, error: unknown): void {
  const kind = kindOf(error)
  drain.budget.spend(MORE_TRIES_OF_THE_QUEUE)
  drain.failed(kind)
  drain.deps.log.warn("store_failed", { op, kind })
}

async function close(drain: Drain): Promise<DrainReport> {
  const { deps, options, outbox, report, startedAt } = drain
  for (const { lease, decision } of outbox.drop()) {
    drain.failed("answer_lost")
    const { requestId, attempt } = lease
    deps.log.error("answer_lost", { requestId, attempt, decision: decision.kind })
  }
  await drain.chores
  report.wakeAt = drain.nextAt
  reportEnd(report, deps.log, options.owner, deps.clock() - startedAt)
  return report
}
