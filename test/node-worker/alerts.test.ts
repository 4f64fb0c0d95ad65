import { afterEach, beforeEach, describe, expect, it, test, vi } from "vitest"
import { createKeys } from "../../src/queue/keys.ts"
import { AlertRounds } from "../../src/worker/alert-rounds.ts"
import { eventually } from "../helpers/eventually.ts"
import { describeWorkers } from "./suite.ts"

const ALERTS = JSON.stringify({ url: "https://example.com/alerts", rules: { breaker_open: {} } })

describeWorkers("alerts without a deployed Worker", (scene) => {
  test("are evaluated by the workers", async () => {
    const s = await scene({ ALERTS })
    const found = () => s.store.redis.sendCommand(["HGET", createKeys(s.queueName).meta, "alerts"])
    await s.enqueue("[[sim: error=unauthorized]]")
    await s.start(1)
    await eventually(() => expect(s.simulator.calls).toHaveLength(1))
    expect(await found()).toBe(null)
    // Each process looks when it begins.
    await eventually(async () => {
      await s.start(1)
      return String(await found()).includes("breaker_open")
    })
  })
})

describe("the rounds of a process", () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it("are made once a minute while any of its workers runs", () => {
    let rounds = 0
    const evaluate = async () => {
      rounds += 1
      return false
    }
    const alerts = new AlertRounds(evaluate, () => {})
    const [one, two] = [{}, {}]
    alerts.join(one)
    alerts.join(two)
    expect(rounds).toBe(1)
    vi.advanceTimersByTime(60_000)
    expect(rounds).toBe(2)
    alerts.leave(one)
    vi.advanceTimersByTime(60_000)
    expect(rounds).toBe(3)
    alerts.leave(two)
    vi.advanceTimersByTime(600_000)
    expect(rounds).toBe(3)
    alerts.join(two)
    expect(rounds).toBe(4)
    alerts.leave(two)
    expect(vi.getTimerCount()).toBe(0)
  })
})
