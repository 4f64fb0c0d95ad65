import { expect, test } from "vitest"
import { createTestQueue, settlement } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

describeQueue("health", ({ open, store }) => {
  test("an empty queue that never drained is well", async () => {
    expect(await open().health()).toEqual({
      ...{ status: "ok", backlog: 0, drain: { lastRunAt: null, ageMs: null } },
      ...{ store: { ok: true, latencyMs: 0 }, unservedLines: [], troubled: [] },
    })
  })

  test("a backlog that is not drained for two and a half minutes is not", async () => {
    const queue = open()
    queue.clock.advance(3_600_000)
    await queue.enqueueEach({}, { provider: "anthropic" }, { scheduledAt: queue.clock() + 1000 })
    expect(await queue.health()).toMatchObject({ status: "ok", backlog: 2 })
    queue.clock.advance(150_000)
    expect(await queue.health()).toMatchObject({ status: "ok" })
    queue.clock.advance(1)
    expect(await queue.health()).toMatchObject({ status: "degraded", drain: { lastRunAt: null } })
    await queue.take({ limit: 0, owner: "a" })
    const lastRunAt = queue.clock()
    expect(await queue.health()).toMatchObject({ status: "ok", drain: { lastRunAt, ageMs: 0 } })
    queue.clock.advance(100_000)
    await queue.take({ limit: 0, owner: "b" })
    queue.clock.advance(100_000)
    expect(await queue.health()).toMatchObject({ status: "ok", drain: { ageMs: 100_000 } })
    queue.clock.advance(50_001)
    expect(await queue.health()).toMatchObject({ status: "degraded", drain: { ageMs: 150_001 } })
  })

  test("a backlog that is new is well, however long ago the last drain was", async () => {
    const queue = open()
    await queue.enqueueEach({})
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    queue.clock.advance(86_400_000)
    await queue.enqueueEach({})
    expect((await queue.health()).status).toBe("ok")
    queue.clock.advance(150_001)
    expect((await queue.health()).status).toBe("degraded")
  })

  test("sees lines of other processes from the second look on at the latest", async () => {
    const queue = open({ settings: { providers: ["openai"] } })
    const other = queue.sibling({ settings: { providers: ["local-llm"] } })
    await other.enqueueEach({ provider: "local-llm" })
    await queue.health()
    expect((await queue.health()).backlog).toBe(1)
  })

  test("a store that does not answer is down, and nothing is thrown", async () => {
    const down = {
      ...{ status: "down", store: { ok: false, latencyMs: null }, backlog: 0 },
      ...{ drain: { lastRunAt: null, ageMs: null }, unservedLines: [], troubled: [] },
    }
    store().bridge.faults.inject({ fault: "drop", when: "before" })
    expect(await open({ random: () => 0 }, "spoiled").health()).toEqual(down)
    store().bridge.faults.clear()
    store().bridge.faults.inject({ fault: "status", status: 500 })
    expect(await open({ random: () => 0 }, "spoiled").health()).toEqual(down)
    const nobody = createTestQueue({ ...store(), url: "http://127.0.0.1:1" }, { random: () => 0 })
    expect(await nobody.health()).toEqual(down)
    const stranger = createTestQueue({ ...store(), token: "not-the-token" }, { random: () => 0 })
    store().bridge.faults.clear()
    expect(await stranger.health()).toEqual(down)
  })
})
