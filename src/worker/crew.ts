import {
  type Caller,
  choresBeside,
  createProviders,
  type DrainDeps,
  openChores,
  openQueue,
} from "../compose.ts"
import { quietLog } from "../core/log.ts"
import { AlertRounds } from "./alert-rounds.ts"
import { Lookout } from "./lookout.ts"
import { createNodeTransport } from "./node-transport.ts"
import { type AIQueueWorkerOptions, readWorkerSettings, type WorkerSettings } from "./options.ts"
import { callerOf } from "./process-request.ts"

/** What the workers of one process share. */
export interface Crew {
  settings: WorkerSettings
  deps: DrainDeps
  lookout: Lookout
  alertRounds: AlertRounds
  /** Numbers its workers from 1. */
  nextNumber(): number
}

/** Makes no call yet. Throws `SettingsError`. */
export function openCrew(options: AIQueueWorkerOptions): Crew {
  const settings = readWorkerSettings(options)
  // Events tell what went well.
  const log = options.log ?? quietLog
  const services = openQueue(settings.config, createNodeTransport, log)
  const { queue, clock, config, tracing } = services
  const lookout = new Lookout(queue, clock, settings.pollIntervalMs)
  let workers = 0
  return {
    settings,
    lookout,
    alertRounds: new AlertRounds(services.alerts.evaluate, () => lookout.hurry()),
    deps: {
      ...{ queue, clock, log, tracing, random: Math.random },
      providers: createCallers(settings, options),
      // A process has no limit of those.
      config: { ...config, subrequestLimit: Number.POSITIVE_INFINITY },
      fetch: (...call) => fetch(...call),
      seeToChores: choresBeside(openChores(services, async () => undefined)),
    },
    nextNumber: () => ++workers,
  }
}

function createCallers({ config }: WorkerSettings, { processor }: AIQueueWorkerOptions): Map<string, Caller> {
  if (processor === undefined) return createProviders(config)
  return new Map(Object.keys(config.providers).map((name) => [name, callerOf(name, processor)]))
}
