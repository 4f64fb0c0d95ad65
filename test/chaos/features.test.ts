import fc from "fast-check"
import { afterAll, beforeAll, describe, test } from "vitest"
import { bestStoreUnderTest, type TestStore } from "../helpers/store.ts"
import { parameters } from "../scale/property.ts"
import { effort } from "./effort.ts"
import { FeatureLife } from "./features/life.ts"
import { anyFeatureLife } from "./features/steps.ts"
import { recordFault } from "./tally.ts"

const RUNS = { redis: effort(15, 5000), embedded: effort(1, 10) }
const STEPS = 60
/** After that a search, or the shrinking of what it found, ends with what is known by then. */
const TIME_LIMIT_MS = Number(process.env.QUEUE_LIMIT_MS ?? effort(60_000, 100_000))

describe.each(bestStoreUnderTest())("lives with every feature on the $name store", ({ name, start }) => {
  let store: TestStore
  beforeAll(async () => {
    store = await start()
  })
  afterAll(() => store.close())

  test(
    "limits, breakers, fallbacks, routes and shares hold after every step, and in the end every request has its outcome",
    async () => {
      let lives = 0
      const property = fc.asyncProperty(anyFeatureLife(STEPS), async (steps) => {
        await store.flush()
        lives += 1
        const life = new FeatureLife(store)
        for (const step of steps) await life.perform(step)
        await life.end()
      })
      await fc.assert(property, { ...parameters(RUNS[name]), interruptAfterTimeLimit: TIME_LIMIT_MS })
      recordFault({
        table: "model",
        fault: `lives with every feature, ${name} store`,
        tried: lives,
        seen: "every invariant after every step; every accepted request with one outcome in the end",
      })
    },
    TIME_LIMIT_MS + 60_000,
  )
})
