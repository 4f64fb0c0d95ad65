import { type Config, parseConfig } from "../../src/core/config.ts"
import { newOperationId } from "../../src/core/ids.ts"
import type { DrainDeps, Steer } from "../../src/drain/drain.ts"
import { runDrain } from "../../src/drain/run-drain.ts"
import { createProviders } from "../../src/providers/registry.ts"
import type { RequestQueue } from "../../src/queue/contract.ts"
import { createQueue } from "../../src/queue/queue.ts"
import { Invocation } from "../helpers/six-connections.ts"

export interface StackOptions {
  store: { url: string; token: string }
  simulatorUrl: string
  queueName: string
  env?: Record<string, string>
  clock?: () => number
}

/** What a deployed Worker has, for drains that run here: its settings, its queue, its providers. */
export interface Stack {
  config: Config
  queue: RequestQueue
  deps: DrainDeps
}

const SILENT = { info: () => {}, warn: () => {}, error: () => {} }

export function openStack({
  store,
  simulatorUrl,
  queueName,
  env,
  clock = () => Date.now(),
}: StackOptions): Stack {
  const { config, problems } = parseConfig({
    QUEUE_NAME: queueName,
    ADMIN_API_KEY: "a-key-for-tests-only",
    UPSTASH_REDIS_REST_URL: store.url,
    UPSTASH_REDIS_REST_TOKEN: store.token,
    ALLOW_SIMULATOR: "1",
    SIMULATOR_URL: simulatorUrl,
    SUBREQUEST_LIMIT: "10000",
    ...env,
  })
  if (config === null) throw new Error(JSON.stringify(problems))
  const settings = { ...config, providers: Object.keys(config.providers) }
  const queue = createQueue({ redis: config.redis, queueName, settings, clock })
  const call: typeof fetch = (input, init) => fetch(input, init)
  const providers = createProviders(config)
  const deps = { config, queue, providers, clock, random: Math.random, log: SILENT, fetch: call }
  return { config, queue, deps }
}

/** Lanes at work. */
export interface Fleet {
  /** They claim no more, finish what they have, and end. */
  stop(): Promise<void>
}

const SHORTEST_REST_MS = 10
const LONGEST_REST_MS = 200

/** Each lane drains in invocations of its own, one after another, with six connections in each. */
export function startFleet(lanes: { lane: number; stack: Stack }[]): Fleet {
  let isStopped = false
  const steer: Steer = () => (isStopped ? "stop" : "go_on")
  const keepDraining = async (lane: number, deps: DrainDeps) => {
    while (!isStopped) {
      const owner = `lane-${lane}:${newOperationId()}`
      const concurrency = deps.config.drainConcurrency
      const { wakeAt } = await new Invocation().run(() => runDrain(deps, { owner, concurrency, steer }))
      const restMs = (wakeAt ?? Number.POSITIVE_INFINITY) - deps.clock()
      const ms = Math.max(SHORTEST_REST_MS, Math.min(restMs, LONGEST_REST_MS))
      await new Promise((resolve) => setTimeout(resolve, ms))
    }
  }
  const ended = lanes.map(({ lane, stack }) => keepDraining(lane, stack.deps))
  return {
    stop: async () => {
      isStopped = true
      await Promise.all(ended)
    },
  }
}
