import { describe, expect, test } from "vitest"
import { findRedisServer } from "../../dev/store-redis.ts"
import { countRoundTrips } from "../helpers/count.ts"
import { eventually } from "../helpers/eventually.ts"
import { openScene } from "./scene.ts"

const REQUESTS = 200

/** What `npm run bench -- --only replay` has its requests drained by. */
describe.skipIf(findRedisServer() === null)("lanes that sleep", () => {
  test("ask the store nothing until something is enqueued, then drain it together", async ({
    onTestFinished,
  }) => {
    const scene = await openScene({ factor: 10 })
    onTestFinished(() => scene.close())
    await scene.script({
      behaviour: { headersLatencyMs: 60, latencyMs: 0, tokens: 10, tokensPerSecond: 0 },
    })
    const { queue, enqueue, startLanes } = scene.open("asleep")
    await startLanes(4)
    const pass = () => scene.pass(20_000)
    expect(await countRoundTrips(scene.store.bridge, pass)).toBe(0)

    await enqueue(Array.from({ length: REQUESTS }, () => ({})))
    await eventually(async () => (await queue.stats()).counts.completed === REQUESTS, { withinMs: 30_000 })
    expect(await scene.calls()).toHaveLength(REQUESTS)
    expect((await queue.stats()).lanes.map(({ name }) => name).toSorted()).toEqual([
      "lane-0",
      "lane-1",
      "lane-2",
      "lane-3",
    ])
  })
})
