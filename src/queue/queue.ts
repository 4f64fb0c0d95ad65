import { type Clock, type Random, systemClock } from "../core/clock.ts"
import { newOperationId } from "../core/ids.ts"
import type { Log } from "../core/log.ts"
import { createAlertStore } from "./alerts.ts"
import { cancel, cancelAll } from "./cancel.ts"
import { type ClaimReply, claim, claimArgs, readClaim } from "./claim.ts"
import { cleanup } from "./cleanup.ts"
import { CommandBudget } from "./command-use.ts"
import { drainArgs, type QueueContext, type QueueSettings, runWithLines } from "./context.ts"
import type { ClaimOptions, RequestQueue, Settlement, SettleReply } from "./contract.ts"
import { enqueue } from "./enqueue.ts"
import { readFigures } from "./figures.ts"
import { readHealth } from "./health.ts"
import { readHistory } from "./history.ts"
import { createKeys } from "./keys.ts"
import { extendLease, lookAtLeases } from "./leases.ts"
import { readProviders, setLimits, setPaused, setWeight, shutProviders } from "./levers.ts"
import { list } from "./list.ts"
import { maintain, roll } from "./maintain.ts"
import { readPulse } from "./pulse.ts"
import { replay } from "./replay.ts"
import { readReplies, settle, settleCall, settleGroups } from "./settle.ts"
import { readStats } from "./stats.ts"
import { findStatus } from "./status.ts"
import { type OpenTransport, Store, type StoreAddress } from "./store.ts"
import { sweep } from "./sweep.ts"
import { glance, glanceAtText, watch, writePartials } from "./watch.ts"

export interface QueueOptions {
  /** Any Upstash REST endpoint. */
  redis: StoreAddress
  queueName: string
  settings: QueueSettings
  openTransport?: OpenTransport | undefined
  clock?: Clock
  random?: Random
  /** Where it says that the day's commands run out. Default: nowhere. */
  log?: Log
}

/** The only door to Redis: `contract.ts` says what each method does and costs. */
export function createQueue(options: QueueOptions): RequestQueue {
  const { redis, queueName, settings, clock = systemClock, random = Math.random } = options
  const keys = createKeys(queueName)
  const budget = new CommandBudget(settings.commandBudget, clock, options.log)
  const store = new Store({
    ...{ ...redis, queueName, random, openTransport: options.openTransport },
    onSpent: (spent) => budget.learn(spent),
  })
  const context: QueueContext = {
    ...{ store, keys, clock, settings, lines: [...settings.providers] },
    nextOp: createOperations(),
  }
  return {
    enqueue: async (requests) => (await enqueue(context, requests, null)).requests,
    enqueueOnce: (requests, idempotency) => enqueue(context, requests, idempotency),
    nextOp: context.nextOp,
    isSparing: () => budget.isSparing,
    claim: (claimOptions) => claim(context, claimOptions),
    settle: (settlements) => settle(context, settlements),
    turn: (settlements, claimOptions) => turn(context, settlements, claimOptions),
    extend: (lease, expiresAt) => extendLease(context, lease, expiresAt),
    lookAtLeases: (leases) => lookAtLeases(context, leases),
    shutProviders: () => shutProviders(context),
    cancel: (...asked) => cancel(context, ...asked),
    cancelAll: (requestIds, organizationId) => cancelAll(context, requestIds, organizationId),
    replay: (requestId, organizationId, changes, audit) =>
      replay(context, requestId, organizationId, changes, audit),
    status: (requestId, organizationId, statusOptions) =>
      findStatus(context, requestId, organizationId, statusOptions),
    glance: (requestId) => glance(context, requestId),
    glanceAtText: (requestId, from) => glanceAtText(context, requestId, from),
    watch: (requestId, until) => watch(context, requestId, until),
    writePartials: (texts) => writePartials(context, texts),
    list: (listOptions) => list(context, listOptions),
    sweep: (sweepOptions) => sweep(context, sweepOptions),
    stats: () => readStats(context),
    pulse: () => readPulse(context),
    history: (span) => readHistory(context, span),
    figures: () => readFigures(context),
    alerts: createAlertStore(context),
    health: () => readHealth(context),
    cleanup: (olderThanSeconds) => cleanup(context, olderThanSeconds),
    maintain: () => maintain(context),
    roll: () => roll(context),
    setPaused: (name, paused, audit) => setPaused(context, name, paused, audit),
    providers: () => readProviders(context),
    setLimits: (provider, change, audit) => setLimits(context, provider, change, audit),
    setWeight: (organizationId, weight, audit) => setWeight(context, organizationId, weight, audit),
  }
}

/** Operation ids of this process, in order: the store tells a repeated one, and one that comes too late. */
function createOperations(): () => string {
  const epoch = newOperationId()
  let count = 0
  return () => `${epoch}.${++count}`
}

/** The last group of settlements and the claim share a round trip; earlier groups, which are rare, travel before. */
async function turn(context: QueueContext, settlements: Settlement[], options: ClaimOptions) {
  const groups = settleGroups(context, settlements)
  const last = groups.pop()
  const earlier = await settle(
    context,
    groups.flatMap((group) => group.map(({ settlement }) => settlement)),
  )
  if (last === undefined) return { replies: earlier, claim: await claim(context, options) }
  const op = options.op ?? context.nextOp()
  const [[, claimReply, answers]] = await runWithLines<[["turned", ClaimReply, string[]]]>(
    context,
    "turn",
    () => {
      const { keys, args } = settleCall(context, last, [])
      return [
        { name: "turn", keys, args: [...drainArgs(context), ...claimArgs(context, options, op), ...args] },
      ]
    },
  )
  const replies = new Map<Settlement, SettleReply>()
  await readReplies(context, last, answers, replies)
  const settled = last.map(({ settlement }) => replies.get(settlement) ?? "gone")
  return { replies: [...earlier, ...settled], claim: await readClaim(context, claimReply, op) }
}
