import { expect, test } from "vitest"
import { PRIORITIES } from "../../src/core/request.ts"
import { runTick } from "../../src/drain/run-tick.ts"
import { type Ask, describeScenes } from "./scene.ts"

describeScenes("with one call at a time", (scene) => {
  test("providers see critical, high, normal, low, the oldest first in each: 100 of 100 runs", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "1" })
    for (let run = 0; run < 100; run++) {
      const asks: Ask[] = PRIORITIES.flatMap((priority) =>
        [0, 1].map((n) => ({ priority, text: `${priority} ${n}` })),
      )
      const shuffled = asks.sort(() => Math.random() - 0.5)
      // What is older in its level is decided by when it was enqueued, not by its name.
      const inLevel = new Map<string, number>()
      for (const ask of shuffled) {
        const number = inLevel.get(ask.priority ?? "") ?? 0
        inLevel.set(ask.priority ?? "", number + 1)
        ask.text = `${ask.priority} ${number}`
      }
      const cut = 1 + Math.floor(Math.random() * (shuffled.length - 1))
      await s.enqueue(...shuffled.slice(0, cut))
      await s.enqueue(...shuffled.slice(cut))
      s.simulator.clearCalls()
      await runTick(s.deps)
      expect(s.calledWith()).toEqual(PRIORITIES.flatMap((priority) => [`${priority} 0`, `${priority} 1`]))
    }
  }, 60_000)

  test("one that comes later but matters more goes next", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "1" })
    await s.enqueue(...[1, 2, 3].map((n) => ({ text: `normal ${n} [[sim: latencyMs=150]]` })))
    const ticking = runTick(s.deps)
    await expect.poll(() => s.simulator.inFlight.openai, { interval: 5, timeout: 5000 }).toBe(1)
    await s.enqueue({ text: "critical", priority: "critical" })
    await ticking
    expect(s.calledWith()).toEqual(["normal 1", "critical", "normal 2", "normal 3"])
  })
})
