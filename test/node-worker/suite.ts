import { afterAll, afterEach, beforeAll, describe } from "vitest"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"
import type { Log, LogFields } from "../../src/core/log.ts"
import { AIRequestQueue, type NewAIRequest } from "../../src/library/index.ts"
import { AIQueueWorker, type AIQueueWorkerOptions, startAIQueueWorkers } from "../../src/worker/index.ts"
import { expectConserved } from "../helpers/conserved.ts"
import { eventually } from "../helpers/eventually.ts"
import { bestStoreUnderTest, type StoreKind, type TestStore } from "../helpers/store.ts"

/** One queue, simulated providers over HTTP, and as many workers as are made. */
export type Scene = Awaited<ReturnType<typeof startScene>>

/** A text for the simulator, or a whole request. */
type Ask = string | (Partial<NewAIRequest> & { text: string })

/** A suite on each store. After a test its workers are stopped, and its queue must be conserved. */
export function describeWorkers(
  title: string,
  body: (scene: (env?: Record<string, string>) => Promise<Scene>, kind: StoreKind) => void,
): void {
  describe.each(bestStoreUnderTest())(`${title} ($name store)`, ({ name, start }) => {
    let store: TestStore
    const open: Scene[] = []
    beforeAll(async () => {
      store = await start()
    })
    afterEach(async () => {
      store.bridge.faults.clear()
      for (const scene of open.splice(0)) {
        await scene.close()
        await expectConserved(store.redis, scene.queueName)
      }
    })
    afterAll(() => store.close())
    body(async (env) => {
      const scene = await startScene(store, env)
      open.push(scene)
      return scene
    }, name)
  })
}

/** Nothing of the shell. */
const NO_SHELL = Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]))
let scenes = 0

async function startScene(store: TestStore, env: Record<string, string> = {}) {
  const simulator: Simulator = await startSimulator({ latencyMs: 0, tokensPerSecond: 0, tokens: 30 })
  const queueName = `worker-${++scenes}`
  const { openai, anthropic, deepseek } = simulator.baseUrls
  const settings = {
    redis: { url: store.url, token: store.token },
    queueName,
    env: {
      ...NO_SHELL,
      ...{ OPENAI_BASE_URL: openai, ANTHROPIC_BASE_URL: anthropic, DEEPSEEK_BASE_URL: deepseek },
      RETRY_BASE_MS: "20",
      ...env,
    },
  }
  const queue = new AIRequestQueue(settings)
  const lines: { event: string; fields: LogFields }[] = []
  const note = (event: string, fields: LogFields = {}) => void lines.push({ event, fields })
  const log: Log = { info: note, warn: note, error: note }
  const workers: AIQueueWorker[] = []
  const withDefaults = (options: AIQueueWorkerOptions): AIQueueWorkerOptions => ({
    ...settings,
    log,
    pollIntervalMs: { min: 20, max: 100 },
    ...options,
    env: { ...settings.env, ...options.env },
  })

  return {
    ...{ store, simulator, queueName, queue, lines, settings },
    make: (options: AIQueueWorkerOptions = {}) => {
      const worker = new AIQueueWorker(withDefaults(options))
      workers.push(worker)
      return worker
    },
    start: async (count: number, options: AIQueueWorkerOptions = {}) => {
      const started = await startAIQueueWorkers(count, withDefaults(options))
      workers.push(...started)
      return started
    },
    /** Ids in the order asked. */
    enqueue: (...asks: Ask[]) =>
      queue.enqueueMany(
        asks.map((ask) => {
          const { text, ...request } = typeof ask === "string" ? { text: ask } : ask
          const messages = [{ role: "user" as const, content: text }]
          return { provider: "openai", model: "gpt-5-mini", messages, ...request }
        }),
      ),
    status: (requestId: string) => queue.getRequestStatus(requestId),
    statuses: (ids: string[]) => Promise.all(ids.map((id) => queue.getRequestStatus(id))),
    /** Once all have ended so. */
    ended: (ids: string[], state = "completed", withinMs = 15_000) =>
      eventually(
        async () => {
          const statuses = await Promise.all(ids.map((id) => queue.getRequestStatus(id)))
          const others = statuses.filter((status) => status?.state !== state)
          if (others.length > 0)
            throw new Error(`${others.length} are not ${state}: ${JSON.stringify(others[0])}`)
          return statuses.flatMap((status) => (status === null ? [] : [status]))
        },
        { withinMs, everyMs: 100 },
      ),
    calledWith: () => simulator.calls.map(({ tag }) => tag),
    close: async () => {
      await Promise.all(workers.map((worker) => worker.stop()))
      await simulator.close()
    },
  }
}
