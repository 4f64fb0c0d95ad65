import { describe, expect, it } from "vitest"
import {
  type AlertRules,
  type AlertState,
  addNotices,
  evaluateAlerts,
  NO_ALERTS,
  testNotice,
} from "../../src/core/alerts.ts"
import type { Figures } from "../../src/core/troubles.ts"

const START = Date.UTC(2026, 10, 24, 2, 0, 0)
const NO_PERCENTILES = { p50: null, p95: null, p99: null }

function figures(at: number, today: number): Figures {
  return {
    at,
    counts: { scheduled: 0, pending: 0, processing: 0 },
    ...{ pendingByLine: {}, backlogSince: null, stalledLines: [], lastClaimAt: null, paused: false },
    throughput: { enqueuedLastMinute: 0, completedLastMinute: 0, failedLastMinute: 0, retriedLastMinute: 0 },
    ...{ waitMs: NO_PERCENTILES, providerMs: {}, attempts: {}, providers: {}, lanes: [] },
    commands: { today, yesterday: 0, lastMinute: 0, budget: 100 },
  }
}

/** Evaluates at these seconds what has been spent of a budget of 100 until then. */
function evaluate(
  spent: [second: number, today: number][],
  { rules = { command_budget: { percent: 80 } } as AlertRules, remindHours = 0, from = NO_ALERTS } = {},
) {
  let state: AlertState = from
  const told: { second: number; type: string; severity: string; reminder?: boolean }[] = []
  let ids = 0
  for (const [second, today] of spent) {
    const decided = evaluateAlerts({
      ...{ state, figures: figures(START + second * 1000, today), queueName: "q" },
      settings: { url: "https://example.com", rules, remindHours },
      newId: () => `id${++ids}`,
    })
    state = decided?.state ?? state
    for (const { type, body } of decided?.notices ?? []) {
      const { severity, reminder } = JSON.parse(body ?? "").data
      told.push({ second, type, severity, ...(reminder !== undefined && { reminder }) })
    }
  }
  return { told, state }
}

const FIRED = { second: 60, type: "alert.firing", severity: "warning", reminder: false }

describe("a rule", () => {
  it("rings when it holds in two evaluations that are apart, however many there are", () => {
    const { told } = evaluate([0, 1, 2, 29, 60, 61, 120].map((second) => [second, 80]))
    expect(told).toEqual([FIRED])
  })

  it("is over when it has not held in two that are apart", () => {
    const spent = [0, 60, 120, 121, 180].map((second): [number, number] => [second, second < 120 ? 80 : 0])
    expect(evaluate(spent).told).toEqual([
      FIRED,
      { second: 180, type: "alert.recovered", severity: "warning" },
    ])
  })

  it("is told again when it grows critical, once", () => {
    const { told } = evaluate([0, 60, 120, 180, 240].map((second) => [second, second < 120 ? 80 : 100]))
    expect(told).toEqual([FIRED, { ...FIRED, second: 120, severity: "critical", reminder: true }])
  })

  it("is told again every so many hours, or never", () => {
    const hours = Array.from({ length: 20 }, (_, i): [number, number] => [60 + i * 1800, 80])
    const spent: [number, number][] = [[0, 80], ...hours]
    expect(evaluate(spent).told).toHaveLength(1)
    const { told } = evaluate(spent, { remindHours: 3 })
    expect(told.map(({ second }) => (second - 60) / 3600)).toEqual([0, 3, 6, 9])
  })

  it("that is not there does not ring", () => {
    expect(
      evaluate(
        [0, 60].map((second) => [second, 100]),
        { rules: { breaker_open: {} } },
      ).told,
    ).toEqual([])
  })

  it("that is there no more ends its alert", () => {
    const { state } = evaluate([0, 60].map((second) => [second, 80]))
    const none = evaluate([[120, 80]], { rules: {}, from: state })
    expect(none.told).toEqual([])
    expect(none.state.alerts).toEqual([])
    const other = evaluate(
      [120, 180].map((second) => [second, 80]),
      { rules: { breaker_open: {} }, from: state },
    )
    expect(other.told).toMatchObject([{ type: "alert.recovered" }])
  })
})

describe("what is kept", () => {
  it("of an alert of a provider that nobody knows any more lasts a day", () => {
    const { state } = evaluate([0, 60].map((second) => [second, 80]))
    const gone = { ...state, alerts: state.alerts.map((alert) => ({ ...alert, provider: "gone" })) }
    expect(evaluate([[3600, 0]], { from: gone }).state.alerts).toHaveLength(1)
    expect(evaluate([[86_460, 0]], { from: gone })).toMatchObject({ told: [], state: { alerts: [] } })
  })

  it("of notices is bounded, and those that are still to be told come first", () => {
    let notices: AlertState["notices"] = []
    for (let i = 0; i < 200; i++) {
      const notice = testNotice(`msg_${i}`, "q", START + i)
      notices = addNotices(notices, [i % 2 === 0 ? notice : { ...notice, state: "delivered", body: null }])
    }
    expect(notices).toHaveLength(70)
    expect(notices[0]?.noticeId).toBe("msg_199")
    expect(notices.filter(({ body }) => body !== null)).toHaveLength(50)
  })
})
