import { describe, expect, it } from "vitest"
import { Statistics } from "../../src/worker/statistics.ts"
import { createTestClock, settlement } from "../helpers/queue.ts"

const LEASE = {
  requestId: "req_1",
  attempt: 1,
  op: "op",
  organizationId: "org-1",
  expiresAt: 0,
  resultTtlSeconds: 60,
  trace: "",
}
const ENDED = settlement({ lease: LEASE, reason: "deadline_exceeded" }, "failed")

describe("the rate of a minute", () => {
  it("counts what ended within the last 60 s", () => {
    const clock = createTestClock(1_800_000_000_000)
    const statistics = new Statistics(clock)
    statistics.settled(ENDED)
    clock.advance(30_000)
    statistics.settled(ENDED)
    expect(statistics.read()).toMatchObject({ processed: 2, ratePerMinute: 2 })
    clock.advance(30_000)
    expect(statistics.read().ratePerMinute).toBe(1)
    clock.advance(30_000)
    expect(statistics.read()).toMatchObject({ processed: 2, ratePerMinute: 0 })
  })

  it("takes no longer for a request the more of them have ended", () => {
    const statistics = new Statistics(createTestClock())
    // If each looked at those before it, this would take a minute.
    for (let i = 0; i < 50_000; i++) statistics.settled(ENDED)
    expect(statistics.read().ratePerMinute).toBe(50_000)
  }, 5000)
})
