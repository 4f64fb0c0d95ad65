import { createAuthenticate } from "./auth/authenticate.ts"
import { createRateLimit } from "./auth/rate.ts"
import { systemClock } from "./core/clock.ts"
import { parseConfig } from "./core/config.ts"
import { createIdGenerator } from "./core/ids.ts"
import { jsonLog } from "./core/log.ts"
import { runTick } from "./drain/run-tick.ts"
import { createAuditor } from "./http/audit.ts"
import type { Composition, Services } from "./http/context.ts"
import { createProviders } from "./providers/registry.ts"
import { createAccess } from "./queue/access.ts"
import { createQueue } from "./queue/queue.ts"

/** As in `package.json`; a test compares them. */
const VERSION = "0.1.0"

export interface WorkerServices extends Services {
  /** What the cron does. Never throws. */
  tick(): Promise<void>
}

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
  const queue = createQueue({
    redis: config.redis,
    queueName: config.queueName,
    settings: { ...config, providers: Object.keys(config.providers) },
  })
  const access = createAccess({ redis: config.redis, queueName: config.queueName })
  const providers = createProviders(config)
  const deps = { config, queue, clock: systemClock, log: jsonLog }
  const services: WorkerServices = {
    ...deps,
    access,
    authenticate: createAuthenticate(config.adminApiKey, access, systemClock),
    limitRate: createRateLimit(access, systemClock),
    auditor: createAuditor(access, systemClock),
    newRequestId: createIdGenerator(systemClock),
    version: VERSION,
    tick: async () => {
      // Called as a method of something else, the runtime's own `fetch` refuses.
      const call: typeof fetch = (input, init) => fetch(input, init)
      await runTick({ ...deps, providers, random: Math.random, fetch: call })
    },
  }
  return { services, problems: [] }
}
