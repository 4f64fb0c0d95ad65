import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type LanesOptions, measureLanes } from "../../bench/lanes/measure.ts"
import { findRedisServer } from "../../dev/store-redis.ts"
import { startTestStore, type TestStore } from "../helpers/store.ts"
import { spawnSimulator } from "./processes.ts"

/** What `bench/lanes.ts` measures at length, so that no change loses it. The embedded store is not made for this load. */
describe.skipIf(findRedisServer() === null)("lanes with six connections each", () => {
  let store: TestStore
  beforeAll(async () => {
    store = await startTestStore("redis")
  })
  afterAll(() => store.close())

  async function measure(options: Pick<LanesOptions, "lanes" | "requests" | "isStreamed">) {
    const simulator = await spawnSimulator()
    const { url, token } = store
    const times = { firstByteMs: 1000, answerMs: 10_000 }
    const queueName = options.isStreamed ? "streamed" : "whole"
    const setting = { store: { url, token }, simulatorUrl: simulator.url, queueName, ...times, ...options }
    try {
      return await measureLanes(setting)
    } finally {
      await simulator.stop()
    }
  }

  test("start a call as soon as another's headers are there, because answers stream", async () => {
    const [streamed, whole] = await Promise.all([
      measure({ lanes: 8, requests: 8 * 4 * 24, isStreamed: true }),
      measure({ lanes: 8, requests: 8 * 4 * 3, isStreamed: false }),
    ])
    expect(streamed.calls).toBe(8 * 4 * 24)
    expect(streamed.startsPerMinute).toBeGreaterThan(1536)
    expect(streamed.share).toBeGreaterThan(0.8)
    expect(streamed.mostInFlight).toBeGreaterThan(250)
    // Each connection waits for a whole answer: a tenth of that, at the very best.
    expect(whole.calls).toBe(8 * 4 * 3)
    expect(whole.share).toBeLessThan(0.11)
    expect(whole.mostInFlight).toBeLessThanOrEqual(8 * 4)
  }, 120_000)
})
