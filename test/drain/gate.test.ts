import { expect, test } from "vitest"
import { describeScenes } from "./scene.ts"

const many = (text: string) => Array.from({ length: 20 }, (_, i) => ({ text: `${i} ${text}` }))

describeScenes("trouble that a provider has for longer", (scene) => {
  test.each([
    ["a refused key", "[[sim: error=unauthorized]]"],
    ["a wait that is asked for", "[[sim: error=rate_limited retryAfterMs=60000]]"],
  ])("costs the calls that run already, and no more: %s", async (_, trouble) => {
    const s = await scene()
    const others = await s.enqueue(
      ...many("[[sim: latencyMs=100]]").map((ask) => ({ ...ask, provider: "deepseek" })),
    )
    await s.enqueue(...many(trouble))
    const report = await s.drain()
    expect(s.simulator.calls.filter(({ provider }) => provider === "openai").length).toBeLessThanOrEqual(4)
    expect(report).toMatchObject({ completed: 20, failed: 0, errors: 0 })
    expect(new Set(await s.states(others))).toEqual(new Set(["completed"]))
    expect(report.retried + report.returned).toBeLessThanOrEqual(4)
  })

  test("what waits for a connection goes back, and is called once the queue allows it", async () => {
    const s = await scene()
    const limited = {
      text: "limited [[sim: headersLatencyMs=150 error=rate_limited retryAfterMs=1000 times=1]]",
    }
    const slow = Array.from({ length: 3 }, (_, i) => ({ text: `slow ${i} [[sim: headersLatencyMs=400]]` }))
    const ids = await s.enqueue(limited, ...slow, { text: "waits" }, { text: "waits too" })
    const report = await s.drain()
    expect(report).toMatchObject({ completed: 6, released: 2, retried: 1, errors: 0 })
    expect(new Set(await s.states(ids))).toEqual(new Set(["completed"]))
    const endedAt = s.simulator.calls.find(({ tag }) => tag === "limited")?.endedAt ?? 0
    // The refusal keeps its connection until it is understood, so nobody took that meanwhile.
    const after = s.simulator.calls.filter(({ startedAt }) => startedAt > endedAt)
    expect(after.map(({ tag }) => tag).sort()).toEqual(["limited", "waits", "waits too"])
    for (const { startedAt } of after) expect(startedAt).toBeGreaterThanOrEqual(endedAt + 990)
  })

  test("what waits while somebody else pauses its provider goes back uncalled", async () => {
    const s = await scene()
    const slow = Array.from({ length: 4 }, (_, i) => ({ text: `slow ${i} [[sim: headersLatencyMs=2500]]` }))
    const waiting = Array.from({ length: 4 }, (_, i) => ({ text: `waits ${i}` }))
    await s.enqueue(...slow)
    const ids = await s.enqueue(...waiting)
    const drained = s.drain()
    await expect.poll(() => s.simulator.inFlight.openai, { timeout: 5000 }).toBe(4)
    await s.deps.queue.setPaused("openai", true)
    expect(await drained).toMatchObject({ completed: 4, released: 4, errors: 0 })
    expect(s.simulator.calls).toHaveLength(4)
    expect(new Set(await s.states(ids))).toEqual(new Set(["pending"]))
    expect((await s.statuses(ids)).flatMap((status) => status?.attempts)).toEqual([])
  })
})
