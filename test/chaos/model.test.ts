import fc from "fast-check"
import { afterAll, beforeAll, describe, test } from "vitest"
import { bestStoreUnderTest, type TestStore } from "../helpers/store.ts"
import { perform } from "../queue/model/actions.ts"
import { checkLeases, checkLists, checkReads } from "../queue/model/check.ts"
import { anyLife, type Step } from "../queue/model/steps.ts"
import { World, type WorldOptions } from "../queue/model/world.ts"
import { parameters } from "../scale/property.ts"
import { effort } from "./effort.ts"
import { recordFault } from "./tally.ts"

const RUNS = { redis: effort(100, 5000), embedded: effort(6, 40) }
const STEPS = 60
/** After that a search, or the shrinking of what it found, ends with what is known by then. */
const TIME_LIMIT_MS = Number(process.env.QUEUE_LIMIT_MS ?? effort(120_000, 200_000))

const anyWorld: fc.Arbitrary<WorldOptions> = fc.record({
  skewMs: fc.constantFrom(0, 0, 2000, -2000),
  maxPending: fc.constantFrom(500_000, 500_000, 6),
})

describe.each(bestStoreUnderTest())("conservation on the $name store", ({ name, start }) => {
  let store: TestStore
  beforeAll(async () => {
    store = await start()
  })
  afterAll(() => store.close())

  test(
    "whatever happens, every request is in one place or has one outcome, and everyone is told so",
    async () => {
      let lives = 0
      let acts = 0
      const property = fc.asyncProperty(anyWorld, anyLife(STEPS), async (options, steps) => {
        await store.flush()
        lives += 1
        acts += steps.length
        const world = new World(store, options)
        try {
          await live(world, steps)
        } finally {
          world.close()
        }
      })
      await fc.assert(property, { ...parameters(RUNS[name]), interruptAfterTimeLimit: TIME_LIMIT_MS })
      recordFault({
        table: "model",
        fault: `lives beside the model, ${name} store`,
        tried: lives,
        seen: `${acts} steps by two processes: store, replies, lists and figures as the model says`,
      })
    },
    TIME_LIMIT_MS + 60_000,
  )
})

/** Of so many requests each step asks the status; at the end of all. */
const ASKED = 3

async function live(world: World, steps: Step[]): Promise<void> {
  for (const [i, step] of steps.entries()) {
    await perform(world, step)
    const from = (i * ASKED) % Math.max(world.ids.length, 1)
    await checkReads(world, step.client, world.ids.slice(from, from + ASKED))
    if (step.do === "wait") await checkLeases(world, step.client)
  }
  for (const client of [0, 1] as const) {
    await checkReads(world, client, world.ids)
    await checkLeases(world, client)
    await checkLists(world, client)
  }
}
