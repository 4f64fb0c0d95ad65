import fc from "fast-check"
import { afterAll, beforeAll, describe, test } from "vitest"
import { storesUnderTest, type TestStore } from "../helpers/store.ts"
import { perform } from "./model/actions.ts"
import { checkLeases, checkLists, checkReads } from "./model/check.ts"
import { anyLife, type Step } from "./model/steps.ts"
import { World, type WorldOptions } from "./model/world.ts"

/**
 * `QUEUE_RUNS` and `QUEUE_STEPS`: lives per store and their length, for a longer soak; `QUEUE_SEED` and `QUEUE_PATH`
 * repeat one, as a failure prints them. The embedded store is slow, so it lives less.
 */
const RUNS = { redis: Number(process.env.QUEUE_RUNS ?? 200), embedded: Number(process.env.QUEUE_RUNS ?? 15) }
const STEPS = Number(process.env.QUEUE_STEPS ?? 60)
const { QUEUE_SEED = "20261124" } = process.env
const seed = QUEUE_SEED === "random" ? {} : { seed: Number(QUEUE_SEED) }
const path = process.env.QUEUE_PATH === undefined ? {} : { path: process.env.QUEUE_PATH }
const TIME_LIMIT_MS = 300_000 + RUNS.redis * 1000

const anyWorld: fc.Arbitrary<WorldOptions> = fc.record({
  skewMs: fc.constantFrom(0, 0, 2000, -2000),
  maxPending: fc.constantFrom(500_000, 500_000, 6),
})

describe.each(storesUnderTest())("conservation on the $name store", ({ name, start }) => {
  let store: TestStore
  beforeAll(async () => {
    store = await start()
  })
  afterAll(() => store.close())

  test(
    "whatever happens, every request is in one place or has one outcome, and everyone is told so",
    async () => {
      const property = fc.asyncProperty(anyWorld, anyLife(STEPS), async (options, steps) => {
        await store.flush()
        const world = new World(store, options)
        try {
          await live(world, steps)
        } finally {
          world.close()
        }
      })
      await fc.assert(property, { numRuns: RUNS[name], ...seed, ...path, endOnFailure: false })
    },
    TIME_LIMIT_MS,
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
