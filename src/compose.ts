import { createAuthenticate } from "./auth/authenticate.ts"
import { createRateLimit } from "./auth/rate.ts"
import { createBatchService } from "./batches/service.ts"
import { stepBatch } from "./batches/step-batch.ts"
import { type Clock, systemClock } from "./core/clock.ts"
import { type Config, parseConfig } from "./core/config.ts"
import { createIdGenerator } from "./core/ids.ts"
import { jsonLog, type Log } from "./core/log.ts"
import type { Tracing } from "./core/tracing.ts"
import { VERSION } from "./core/version.ts"
import { type ChoreDeps, type ChoreHandler, ChoreRun } from "./drain/chores.ts"
import type { DrainDeps } from "./drain/drain.ts"
import { type LaneNamespace, type LaneSetting, type Lanes, openLanes } from "./drain/lanes.ts"
import { runTick, tickLanes } from "./drain/run-tick.ts"
import { createAuditor } from "./http/audit.ts"
import type { Composition, Services } from "./http/context.ts"
import { createProviders } from "./providers/registry.ts"
import { createAccess } from "./queue/access.ts"
import type { AccessStore } from "./queue/access-contract.ts"
import { createBatches } from "./queue/batches.ts"
import type { BatchStore } from "./queue/batches-contract.ts"
import { type ChoreStore, createChores } from "./queue/chores.ts"
import type { RequestQueue } from "./queue/contract.ts"
import { createFiles } from "./queue/files.ts"
import type { FileStore } from "./queue/files-contract.ts"
import { createQueue } from "./queue/queue.ts"
import type { OpenTransport } from "./queue/store.ts"
import { createUploads } from "./queue/uploads.ts"
import { createWebhookStore } from "./queue/webhooks.ts"
import { createTracing } from "./tracing/tracing.ts"
import type { Alerts } from "./webhooks/alerts.ts"
import { openWebhooks, type Webhooks } from "./webhooks/webhooks.ts"

export type { AuditEntry } from "./core/audit.ts"
// What the library and workers in Node share with the Worker: they have no other way to these.
export { type AIRequest, toAIRequest } from "./drain/ai-request.ts"
export { EXPORTS_AT_END } from "./drain/budget.ts"
export type { Caller } from "./drain/call-request.ts"
export { decideOutcome, settleOverdue } from "./drain/decide-outcome.ts"
export { Drain, type DrainDeps, type DrainObserver } from "./drain/drain.ts"
export { reportCall, reportOutcome } from "./drain/report.ts"
export { carryOut } from "./drain/run-drain.ts"
export { parseJson } from "./http/body.ts"
export { store as storeRequests } from "./http/enqueue.ts"
export { checkIdempotencyKey, identify } from "./http/idempotency.ts"
export { checkCommandSize, checkEntrySizes, MAX_BULK_BYTES } from "./http/sizes.ts"
export { type Answer, readAnswer } from "./providers/given-answer.ts"
export { type FailureReport, readFailure } from "./providers/given-failure.ts"
export type { CallOutcome } from "./providers/provider.ts"
export { createProviders } from "./providers/registry.ts"
export type {
  Claim,
  ClaimedRequest,
  RequestQueue,
  Settlement,
  SettleReply,
  StatusReply,
} from "./queue/contract.ts"
export type { QueueHealth, QueueStats } from "./queue/figures-contract.ts"
export { reportCancelled } from "./queue/report.ts"
export type { StoreAddress, Transport } from "./queue/store.ts"

/** All that a process needs which works on the queue itself, without the HTTP API. */
export interface QueueServices {
  config: Config
  queue: RequestQueue
  access: AccessStore
  chores: ChoreStore
  files: FileStore
  batches: BatchStore
  webhooks: Webhooks
  /** Sees to a chore that tells a receiver. */
  deliver: ChoreHandler
  alerts: Alerts
  /** Sees to a chore that tells whoever alerts go to. */
  tellAlert: ChoreHandler
  clock: Clock
  log: Log
  /** null: nobody wants to know. */
  tracing: Tracing | null
  newRequestId: () => string
}

/** Opens the queue that the settings name. Makes no call yet. `openTransport`: another way to the store than `fetch`. */
export function openQueue(config: Config, openTransport?: OpenTransport, log: Log = jsonLog): QueueServices {
  const { redis, queueName } = config
  const settings = { ...config, providers: Object.keys(config.providers) }
  const queue = createQueue({ redis, queueName, settings, openTransport, log })
  const chores = createChores({ redis, queueName })
  const told = openWebhooks({
    ...{ config, queue, chores, store: createWebhookStore({ redis, queueName }) },
    ...{ fetch: callFetch, clock: systemClock, random: Math.random, log },
  })
  return {
    ...{ config, queue, chores, ...told },
    access: createAccess({ redis, queueName }),
    files: createFiles({ redis, queueName, settings: config }),
    batches: createBatches({ redis, queueName }),
    ...{ clock: systemClock, log, newRequestId: createIdGenerator(systemClock) },
    tracing: createTracing({ config, fetch: callFetch, clock: systemClock, log }),
  }
}

/** Called as a method of something else, the runtime's own `fetch` refuses. */
const callFetch: typeof fetch = (input, init) => fetch(input, init)

/** What sees to chores, in whichever process. `wakeLanes`: something new can be claimed. */
export function openChores(services: QueueServices, wakeLanes: () => Promise<void>): ChoreDeps {
  const { chores, clock, log, tracing, deliver, tellAlert } = services
  const handlers = new Map<string, ChoreHandler>([
    ["delivery", deliver],
    ["alert", tellAlert],
    ["batch", (batchId, context) => stepBatch({ ...services, wakeLanes }, batchId, context)],
  ])
  return { chores, clock, log, tracing, handlers }
}

/** Without a lane for them, chores are seen to beside a drain, which needs the most of the connections and subrequests. */
export function choresBeside(deps: ChoreDeps): NonNullable<DrainDeps["seeToChores"]> {
  return async (subrequests) => {
    const run = new ChoreRun(deps, { concurrency: 2, subrequests, forMs: 20_000 })
    await run.run()
    return run.used
  }
}

function wakingChores(lanes: Lanes): NonNullable<DrainDeps["seeToChores"]> {
  return async () => {
    await lanes.wakeChores()
    return 1
  }
}

export interface WorkerServices extends Services {
  /** What the cron does. Never throws. */
  tick(): Promise<void>
  /** null: the tick drains. */
  lane: LaneSetting | null
}

/** The look, another for lines that are new to this isolate, the write, waking the lane for chores. */
const ALERT_SUBREQUESTS = 4

const compositions = new WeakMap<object, Composition<WorkerServices>>()

/**
 * Wires everything up for one set of variables, once per isolate: the runtime gives the same `env` to every
 * invocation. Bad settings are logged then, by name, and never with a value.
 */
export function compose(env: Record<string, unknown>): Composition<WorkerServices> {
  const known = compositions.get(env)
  if (known !== undefined) return known
  const composition = composeNew(env)
  compositions.set(env, composition)
  return composition
}

function composeNew(env: Record<string, unknown>): Composition<WorkerServices> {
  const { config, problems } = parseConfig(env)
  if (config === null) {
    for (const { variable, message } of problems) jsonLog.error("bad_setting", { variable, message })
    return { services: null, problems }
  }
  const deps = openQueue(config)
  const { access } = deps
  const providers = createProviders(config)
  const wakeLanes = async () => lane?.lanes.wake(0, 0)
  const chores = openChores(deps, wakeLanes)
  const drainDeps: DrainDeps = { ...deps, providers, random: Math.random, fetch: callFetch }
  const lane = laneSetting(env.LANES, drainDeps, chores)
  drainDeps.seeToChores = lane === null ? choresBeside(chores) : wakingChores(lane.lanes)
  // What a tick spends on alerts its drain has not.
  const forAlerts = config.alerts === null ? 0 : ALERT_SUBREQUESTS
  const tickDeps = {
    ...drainDeps,
    config: { ...config, subrequestLimit: config.subrequestLimit - forAlerts },
  }
  const services: WorkerServices = {
    ...deps,
    uploads: createUploads(config),
    batchCommands: createBatchService({ ...deps, wakeLanes }),
    authenticate: createAuthenticate(config.adminApiKey, access, systemClock),
    limitRate: createRateLimit(access, systemClock),
    auditor: createAuditor(access, systemClock),
    version: VERSION,
    lane,
    lanes: {
      wake: async (at) => lane?.lanes.wake(0, at),
      wakeChores: async () => lane?.lanes.wakeChores(),
      abort: async (...call) => lane?.lanes.abort(...call),
      watch: async (...call) => lane?.lanes.watch(...call),
    },
    tick: async () => {
      // Before this tick claims, which would hide that nobody else does.
      if (await deps.alerts.evaluate()) await lane?.lanes.wakeChores()
      await (lane === null ? runTick(tickDeps) : tickLanes(tickDeps, lane.lanes))
    },
  }
  return { services, problems: [] }
}

/** `binding`: of the lanes, which only a Worker has. */
function laneSetting(binding: unknown, deps: DrainDeps, chores: ChoreDeps): LaneSetting | null {
  const { drainLanes } = deps.config
  if (drainLanes === 0 || typeof binding !== "object" || binding === null) return null
  const namespace = binding as LaneNamespace
  return { deps, namespace, chores, lanes: openLanes(namespace, drainLanes, deps.log) }
}
