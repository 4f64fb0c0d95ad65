import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { findRedisServer } from "../../dev/store-redis.ts"
import { stepBatch } from "../../src/batches/step-batch.ts"
import { countCommands, countRoundTrips } from "../helpers/count.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { mixedLines } from "./lines.ts"
import { createScene, ORGANIZATION, unlimited } from "./scene.ts"

let store: TestStore
beforeAll(async () => {
  store = await startBestStore()
})
afterAll(() => store.close())

const LINES = 1000

/** docs/batches.md has these figures. */
describe.skipIf(findRedisServer() === null)("what a batch costs beside its requests", () => {
  it("is some commands for each 500 lines, and for each look", async () => {
    const scene = createScene(store)
    const { batchId } = await scene.start(await scene.upload(mixedLines(LINES)))
    const step = async () => {
      await stepBatch(scene.deps, batchId, unlimited())
    }
    let trips = 0
    const count = async (work: () => Promise<unknown>) =>
      (
        await countCommands(store.redis, async () => {
          trips += await countRoundTrips(store.bridge, work)
        })
      ).total
    const entered = await count(step)
    const look = await count(step)
    while ((await scene.answer(500)) > 0);
    const written = await count(step)
    expect(entered).toBeLessThanOrEqual(60)
    expect(look).toBe(2)
    expect(written).toBeLessThanOrEqual(45)
    expect(trips).toBeLessThanOrEqual(40)
    expect(await scene.find(batchId)).toMatchObject({ status: "completed" })
  })

  it("is no more round trips than its step may make, also to cancel what has just been enqueued", async () => {
    const scene = createScene(store)
    const { batchId } = await scene.start(await scene.upload(mixedLines(LINES)))
    await stepBatch(scene.deps, batchId, unlimited())
    await scene.service.cancel(batchId, ORGANIZATION)
    const allowed = 16
    const made: number[] = []
    for (let steps = 0; steps < 20 && (await scene.find(batchId)).phase !== null; steps++) {
      let spare = allowed
      const limits = {
        spend: (subrequests: number) => {
          spare -= subrequests
        },
        get spare() {
          return spare
        },
        endsAt: Number.POSITIVE_INFINITY,
      }
      made.push(await countRoundTrips(store.bridge, () => stepBatch(scene.deps, batchId, limits)))
    }
    expect(Math.max(...made)).toBeLessThanOrEqual(allowed)
    expect(await scene.find(batchId)).toMatchObject({ status: "cancelled", counts: { cancelled: LINES } })
  })

  it("is 15 commands for each request that is cancelled", async () => {
    const scene = createScene(store)
    const { batchId } = await scene.start(await scene.upload(mixedLines(100)))
    await stepBatch(scene.deps, batchId, unlimited())
    const { total } = await countCommands(store.redis, async () => {
      await scene.service.cancel(batchId, ORGANIZATION)
      await stepBatch(scene.deps, batchId, unlimited())
    })
    expect(total).toBeLessThanOrEqual(1500)
  })
})
