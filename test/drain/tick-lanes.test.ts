import { expect, test } from "vitest"
import { openLanes } from "../../src/drain/lanes.ts"
import { tickLanes } from "../../src/drain/run-tick.ts"
import { meterOf } from "../../src/queue/meter.ts"
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

  test("looks at the backlog alone for minutes after it found nothing, only while commands are spared, and never past what is due", async () => {
    const s = await scene({ REDIS_COMMAND_BUDGET: "1000" })
    const { asked, lanes } = notingLanes(s, 4)
    const start = Date.now()
    let looks = 0
    const { health: look } = s.queue
    const health = () => {
      looks += 1
      return look()
    }
    /** How often it claims: whatever else it asks the store for. */
    const tickAt = async (ms: number) => {
      const before = s.store.bridge.counters.requests - looks
      const queue = Object.assign(s.deps.queue, { health })
      await tickLanes({ ...s.deps, queue, clock: () => start + ms }, lanes)
      return s.store.bridge.counters.requests - looks - before
    }
    // The store may have to learn the script first.
    await tickAt(0)
    expect(await tickAt(0)).toBe(1)
    expect(await tickAt(60_000)).toBe(1)
    meterOf(s.config.redis.url, s.config.queueName).add(850)
    // It tells, and learns, and has found nothing.
    expect(await tickAt(120_000)).toBe(1)
    expect(await tickAt(180_000)).toBe(0)
    expect(await tickAt(400_000)).toBe(0)
    expect(looks).toBe(2)
    await s.enqueue({ text: "due soon", scheduledAt: start + 500_000 })
    expect(await tickAt(420_000)).toBe(1)
    expect(asked).toEqual({ "lane-0": [start + 500_000] })
    expect(await tickAt(480_000)).toBe(0)
    // The library wakes nobody.
    await s.enqueue({ text: "due now" })
    expect(await tickAt(490_000)).toBe(1)
    expect(asked).toEqual({ "lane-0": [start + 500_000, 0] })
  })
})
