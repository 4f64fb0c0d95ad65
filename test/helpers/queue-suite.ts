import { afterAll, afterEach, beforeAll, describe } from "vitest"
import { scriptSha } from "../../dev/script-sha.ts"
import { scripts } from "../../src/queue/scripts.generated.ts"
import { expectConserved } from "./conserved.ts"
import { createTestQueue, type TestQueue, type TestQueueOptions } from "./queue.ts"
import { type StoreKind, storesUnderTest, type TestStore } from "./store.ts"

export interface QueueSuite {
  kind: StoreKind
  store(): TestStore
  /** A queue of its own. The leak guard looks at it after the test, unless the test spoils it on purpose. */
  open(options?: TestQueueOptions, spoiled?: "spoiled"): TestQueue
  /** The next run of this script is executed, but its answer is lost: the queue has to ask again. */
  loseAnswerOf(script: keyof typeof scripts, times?: number): void
}

/** One suite on each store. Every queue that it opened must be conserved after each test. */
export function describeQueue(what: string, define: (suite: QueueSuite) => void): void {
  describe.each(storesUnderTest())(`${what} on the $name store`, ({ name, start }) => {
    let store: TestStore
    const opened: TestQueue[] = []
    beforeAll(async () => {
      store = await start()
      // So that round trips can be counted; tests of an empty script cache ask for one.
      for (const source of Object.values(scripts)) await store.redis.scriptLoad(source)
    })
    afterAll(() => store.close())
    afterEach(async () => {
      store.bridge.faults.clear()
      for (const queue of opened.splice(0)) await expectConserved(queue.redis, queue.name, queue.clock())
    })
    define({
      kind: name,
      store: () => store,
      open: (options, spoiled) => {
        const queue = createTestQueue(store, options)
        if (spoiled === undefined) opened.push(queue)
        return queue
      },
      loseAnswerOf: (script, times = 1) => {
        store.bridge.faults.inject({ fault: "drop", when: "after", contains: scriptSha(script), times })
      },
    })
  })
}
