import { afterAll, afterEach, beforeAll, describe } from "vitest"
import { startSimulator } from "../../dev/simulator/simulator.ts"
import { type Config, parseConfig } from "../../src/core/config.ts"
import type { Log, LogFields } from "../../src/core/log.ts"
import type { DrainDeps } from "../../src/drain/drain.ts"
import { runDrain } from "../../src/drain/run-drain.ts"
import { createProviders } from "../../src/providers/registry.ts"
import { createQueue } from "../../src/queue/queue.ts"
import { createTracing } from "../../src/tracing/tracing.ts"
import { expectConserved } from "../helpers/conserved.ts"
import { newRequest, type RequestOverrides } from "../helpers/queue.ts"
import { bestStoreUnderTest, type TestStore } from "../helpers/store.ts"

/** One queue with everything that a drain needs: a real store behind its bridge, and simulated providers over HTTP. */
export type Scene = Awaited<ReturnType<typeof startScene>>

/** What a test asks for: the text may hold a directive of the simulator. */
export type Ask = RequestOverrides & { text: string }

/** A suite on every store; `scene` opens a queue of its own. After the test it must be conserved. */
export function describeScenes(
  title: string,
  body: (scene: (env?: Record<string, string>) => Promise<Scene>) => void,
): void {
  describe.each(bestStoreUnderTest())(`${title} ($name store)`, ({ start }) => {
    let store: TestStore
    const open: Scene[] = []
    beforeAll(async () => {
      store = await start()
    })
    afterEach(async () => {
      store.bridge.faults.clear()
      for (const { config, close } of open.splice(0)) {
        await close()
        await expectConserved(store.redis, config.queueName)
      }
    })
    afterAll(() => store.close())
    body(async (env) => {
      const scene = await startScene(store, env)
      open.push(scene)
      return scene
    })
  })
}

let scenes = 0

/** On a store of the caller's, who closes it. */
export async function startScene(store: TestStore, env: Record<string, string> = {}) {
  const simulator = await startSimulator({ latencyMs: 0, tokensPerSecond: 0, tokens: 30 })
  scenes += 1
  const { config, problems } = parseConfig({
    QUEUE_NAME: `drain-${scenes}`,
    ADMIN_API_KEY: "a-key-for-tests-only",
    UPSTASH_REDIS_REST_URL: store.url,
    UPSTASH_REDIS_REST_TOKEN: store.token,
    ALLOW_SIMULATOR: "1",
    SIMULATOR_URL: simulator.url,
    SUBREQUEST_LIMIT: "10000",
    RETRY_BASE_MS: "20",
    ...env,
  })
  if (config === null) throw new Error(JSON.stringify(problems))
  const { queueName, redis } = config
  const queue = createQueue({
    redis,
    queueName,
    settings: { ...config, providers: Object.keys(config.providers) },
    // Short backoffs between the queue's own tries.
    random: () => 0.1,
  })
  const lines: { event: string; fields: LogFields }[] = []
  const note = (event: string, fields: LogFields = {}) => void lines.push({ event, fields })
  const log: Log = { info: note, warn: note, error: note }
  const fetchNow: typeof fetch = (...args) => fetch(...args)
  const deps: DrainDeps = {
    tracing: createTracing({ config, log, clock: Date.now, fetch: fetchNow }),
    queue,
    providers: createProviders(config),
    config,
    clock: Date.now,
    random: Math.random,
    log,
    fetch: fetchNow,
  }
  return {
    store,
    simulator,
    config: config satisfies Config,
    queue,
    deps,
    /** A drain with its own epoch. */
    drain: (owner = "test") => runDrain(deps, { owner, concurrency: config.drainConcurrency }),
    /** Log lines, oldest first. */
    lines,
    /** Ids in the order asked. */
    enqueue: async (...asks: Ask[]): Promise<string[]> => {
      const requests = asks.map((ask) => {
        const request = newRequest(ask)
        return { ...request, trace: deps.tracing?.begin(request.head.requestId, "") ?? "" }
      })
      await queue.enqueue(requests)
      return requests.map(({ head }) => head.requestId)
    },
    /** Texts that providers were called with, in order of arrival. */
    calledWith: () => simulator.calls.map(({ tag }) => tag),
    statuses: async (requestIds: string[]) => Promise.all(requestIds.map((id) => queue.status(id, null))),
    states: async (requestIds: string[]) =>
      Promise.all(requestIds.map(async (id) => (await queue.status(id, null))?.state)),
    close: () => simulator.close(),
  }
}
