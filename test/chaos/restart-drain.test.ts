import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { findRedisServer } from "../../dev/store-redis.ts"
import { startScene } from "../drain/scene.ts"
import { expectConserved } from "../helpers/conserved.ts"
import { effort } from "./effort.ts"
import { type KillableStore, startKillableStore } from "./killable-store.ts"
import { recordFault } from "./tally.ts"

const CALLS = effort(20, 100)

describe.skipIf(findRedisServer() === null)("a drain whose store is killed under its calls", () => {
  let store: KillableStore
  beforeAll(async () => {
    store = await startKillableStore()
  })
  afterAll(() => store.close())

  test.each(["kept", "lost"] as const)("goes on when it comes back, its data %s", async (data) => {
    const scene = await startScene(store, { DRAIN_CONCURRENCY: String(CALLS) })
    try {
      const asks = Array.from({ length: CALLS }, (_, i) => ({ text: `${data} ${i} [[sim: latencyMs=1500]]` }))
      const ids = await scene.enqueue(...asks)
      const draining = scene.drain()
      await expect.poll(() => scene.simulator.calls.length, { timeout: 10_000 }).toBe(CALLS)
      await store.kill()
      await store.start(data)
      await draining
      const states = await scene.states(ids)
      const expected = data === "kept" ? "completed" : undefined
      expect(states).toEqual(ids.map(() => expected))

      const [next = ""] = await scene.enqueue({ text: "the next" })
      expect(await scene.drain("another")).toMatchObject({ claimed: 1, completed: 1 })
      expect(await scene.states([next])).toEqual(["completed"])
      // Each was paid for once.
      expect(scene.calledWith()).toHaveLength(CALLS + 1)
      await expectConserved(store.redis, scene.config.queueName)
      recordFault({
        ...{ table: "rest", fault: `store killed under a drain's calls, data ${data}`, tried: CALLS },
        lost: data === "kept" ? 0 : CALLS,
        seen:
          data === "kept"
            ? "every answer is settled once"
            : "answers to what is gone are dropped; the next is drained",
      })
    } finally {
      await scene.close()
    }
  })
})
