import { expect, test } from "vitest"
import { openLanes } from "../../src/drain/lanes.ts"
import { tickLanes } from "../../src/drain/run-tick.ts"
import { NamedId } from "./lane-runtime.ts"
import { describeScenes, type Scene } from "./scene.ts"

/** Lanes that only note what they are asked. */
function notingLanes(s: Scene, count: number) {
  const asked: Record<string, number[]> = {}
  const namespace = {
    idFromName: (name: string) => new NamedId(name),
    get: ({ name }: NamedId) => ({
      wake: async (at: number) => {
        if (name === "lane-7") throw new Error("it cannot be reached")
        asked[name] = [...(asked[name] ?? []), at]
      },
      abort: async () => {},
      watch: async () => {},
    }),
  }
  return { asked, lanes: openLanes(namespace, count, s.deps.log) }
}

describeScenes("a tick with lanes", (scene) => {
  test.each([
    [0, 0],
    [1, 1],
    [4, 2],
    [5, 3],
    [20, 4],
  ])(
    "for %i pending requests wakes %i lanes that take two each, and calls nothing",
    async (pending, woken) => {
      const s = await scene({ DRAIN_CONCURRENCY: "2" })
      const { asked, lanes } = notingLanes(s, 4)
      if (pending > 0) await s.enqueue(...Array.from({ length: pending }, (_, i) => ({ text: `${i}` })))
      await tickLanes(s.deps, lanes)
      expect(asked).toEqual(Object.fromEntries(Array.from({ length: woken }, (_, i) => [`lane-${i}`, [0]])))
      expect(s.simulator.calls).toEqual([])
    },
  )

  test("wakes none for what may not start, and the first one for what is due later", async () => {
    const s = await scene()
    const { asked, lanes } = notingLanes(s, 4)
    await s.queue.setPaused("openai", true)
    await s.queue.setPaused("anthropic", true)
    await s.enqueue(
      { text: "paused" },
      { text: "both paused", fallbacks: [{ provider: "anthropic", model: "claude" }] },
    )
    await tickLanes(s.deps, lanes)
    expect(asked).toEqual({})
    const dueAt = Date.now() + 60_000
    await s.enqueue({ text: "later", provider: "deepseek", scheduledAt: dueAt })
    await tickLanes(s.deps, lanes)
    expect(asked).toEqual({ "lane-0": [dueAt] })
  })

  test("is not disturbed by a lane that cannot be reached", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "1" })
    const { asked, lanes } = notingLanes(s, 9)
    await s.enqueue(...Array.from({ length: 9 }, (_, i) => ({ text: `${i}` })))
    await tickLanes(s.deps, lanes)
    expect(Object.keys(asked)).toHaveLength(8)
    expect(s.lines).toContainEqual({ event: "lane_not_reached", fields: { lane: "lane-7", kind: "Error" } })
  })
})
