import { newOperationId } from "../core/ids.ts"
import type { RequestQueue } from "../queue/contract.ts"
import { LOOKING } from "../queue/pulse.ts"
import { EXPORTS_AT_END } from "./budget.ts"
import type { DrainDeps } from "./drain.ts"
import type { Lanes } from "./lanes.ts"
import { type DrainReport, newReport } from "./report.ts"
import { runDrain } from "./run-drain.ts"

/** The drain that claims for this isolate. Plain data: invocations may not share promises or timers. */
interface Turnstile {
  startedAt: number
  /** When it was last seen to live, and to have budget. */
  seenAt: number
  /** A later tick came by: something new may be there. */
  isKicked: boolean
}

/** Silent for longer: its invocation is gone. One operation of the store can take half a minute to fail. */
const SILENCE_MS = 40_000
/** Then the next tick takes over, while a request with the longest timeout, 10 min, still fits into this invocation. */
const CLAIMING_MS = 180_000

/** How long ticks that find nothing only look at the backlog where commands are spared: a little less than five take. */
const REST_MS = 290_000

/** Until when, epoch ms. */
const rests = new WeakMap<RequestQueue, number>()
const turnstiles = new WeakMap<RequestQueue, Turnstile>()

/**
 * What the cron does: a drain in this invocation, whose first claim sees to due, expired and overdue
 * requests. Ticks overlap, but in one isolate only one of them claims, so that `DRAIN_CONCURRENCY`
 * bounds the calls in flight and the order holds; the others see to those requests, tell it to look
 * again, and end. Never throws.
 */
export async function runTick(deps: DrainDeps): Promise<DrainReport> {
  const { queue, config, clock } = deps
  const now = clock()
  const other = turnstiles.get(queue)
  if (other !== undefined && now - other.seenAt < SILENCE_MS && now - other.startedAt < CLAIMING_MS) {
    other.isKicked = true
    return lookAround(deps)
  }

  const mine: Turnstile = { startedAt: now, seenAt: now, isKicked: false }
  turnstiles.set(queue, mine)
  const leave = () => {
    if (turnstiles.get(queue) === mine) turnstiles.delete(queue)
  }
  const report = await runDrain(deps, {
    owner: `tick:${newOperationId()}`,
    concurrency: config.drainConcurrency,
    steer: ({ canClaim }) => {
      if (!canClaim) leave()
      if (turnstiles.get(queue) !== mine) return "stop"
      const isKicked = mine.isKicked
      mine.seenAt = clock()
      mine.isKicked = false
      return isKicked ? "look" : "go_on"
    },
  })
  leave()
  await deps.tracing?.flush(EXPORTS_AT_END)
  return report
}

/**
 * What the cron does where lanes drain: sees to due, expired and overdue requests, and wakes as many lanes as the backlog
 * and what providers allow deserve; none when nothing could start. Where commands are spared it
 * only looks at the backlog for minutes, or until something is due: requests that come wake a lane themselves, but those of
 * the library. Never throws.
 */
export async function tickLanes(deps: DrainDeps, lanes: Lanes): Promise<DrainReport> {
  const { queue, clock } = deps
  const isResting = queue.isSparing() && clock() < (rests.get(queue) ?? 0)
  if (isResting && (await queue.health()).backlog === 0) return newReport()
  const report = await lookAround(deps)
  const deserved = Math.min(lanes.count, Math.ceil(report.remaining / deps.config.drainConcurrency))
  const woken = Array.from({ length: deserved }, (_, lane) => lanes.wake(lane, 0))
  if (deserved === 0 && report.wakeAt !== null) woken.push(lanes.wake(0, report.wakeAt))
  const isIdle = deserved === 0 && report.errors === 0
  rests.set(queue, isIdle ? Math.min(report.wakeAt ?? Number.POSITIVE_INFINITY, clock() + REST_MS) : 0)
  await Promise.all(woken)
  await deps.tracing?.flush(EXPORTS_AT_END)
  return report
}

/** Starts nothing, and is called otherwise than what drains: who wants to know whether anybody does must be able to tell. */
function lookAround(deps: DrainDeps): Promise<DrainReport> {
  return runDrain(deps, { owner: `${LOOKING}:${newOperationId()}`, concurrency: 0 })
}
