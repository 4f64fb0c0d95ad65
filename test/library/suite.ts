import { afterAll, afterEach, beforeAll, describe } from "vitest"
import { AIRequestQueue, type AIRequestQueueOptions } from "../../src/library/index.ts"
import { expectConserved } from "../helpers/conserved.ts"
import { bestStoreUnderTest, type StoreKind, type TestStore } from "../helpers/store.ts"
import { type Call, composeServices, createCall } from "../http/server.ts"

export interface LibrarySuite {
  kind: StoreKind
  store(): TestStore
  /** A queue of its own unless `queueName` says whose; conserved after the test. */
  open(options?: AIRequestQueueOptions): AIRequestQueue
  /** The HTTP API of a Worker on the same queue. */
  worker(queueName: string): Call
}

export const MESSAGES = [{ role: "user" as const, content: "What is an edge queue?" }]

let queues = 0
export const newName = () => `library-${++queues}`

/** Nothing of the shell: the providers of these tests are three names that nobody calls. */
const ENV = {
  ...Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined])),
  ...Object.fromEntries(
    ["OPENAI", "ANTHROPIC", "DEEPSEEK"].map((name) => [`${name}_BASE_URL`, "http://127.0.0.1:1/v1"]),
  ),
  // A retry is due at once.
  ...{ RETRY_BASE_MS: "1", RETRY_CAP_MS: "1" },
}

/** One suite on each store; every queue must be conserved after each test. */
export function describeLibrary(what: string, define: (suite: LibrarySuite) => void): void {
  describe.each(bestStoreUnderTest())(`${what} on the $name store`, ({ name, start }) => {
    let store: TestStore
    const opened = new Set<string>()
    beforeAll(async () => {
      store = await start()
    })
    afterAll(() => store.close())
    afterEach(async () => {
      store.bridge.faults.clear()
      for (const queueName of opened) await expectConserved(store.redis, queueName)
      opened.clear()
    })
    define({
      kind: name,
      store: () => store,
      open: ({ queueName = newName(), env, ...options } = {}) => {
        opened.add(queueName)
        const { url, token } = store
        return new AIRequestQueue({ redis: { url, token }, queueName, env: { ...ENV, ...env }, ...options })
      },
      worker: (queueName) => createCall(composeServices(store, queueName)),
    })
  })
}
