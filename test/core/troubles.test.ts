import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { PulseProvider, TroubleCode } from "../../src/core/pulse.ts"
import { type Figures, findTroubles, THRESHOLDS } from "../../src/core/troubles.ts"

const AT = Date.UTC(2026, 10, 24, 2, 15, 30)
const MINUTE = 60_000
const at = (clock: string) => Date.parse(`2026-11-24T${clock}:00Z`)
const NO_PERCENTILES = { p50: null, p95: null, p99: null }
const line = (normal: number) => ({ critical: 0, high: 0, normal, low: 0 })

function provider(changes: Partial<PulseProvider> = {}): PulseProvider {
  return {
    ...{ concurrency: null, rpm: null, tpm: null, models: {} },
    ...{ breaker: "closed", cause: null, troubledSince: null, blockedUntil: null, paused: false },
    ...changes,
  }
}

function figures(changes: Partial<Figures> = {}): Figures {
  return {
    at: AT,
    counts: { scheduled: 0, pending: 0, processing: 0 },
    pendingByLine: { openai: line(0), anthropic: line(0) },
    ...{ backlogSince: null, stalledLines: [], lastClaimAt: AT - 5000, paused: false },
    throughput: { enqueuedLastMinute: 0, completedLastMinute: 0, failedLastMinute: 0, retriedLastMinute: 0 },
    ...{ waitMs: NO_PERCENTILES, providerMs: {}, attempts: {} },
    providers: { openai: provider(), anthropic: provider() },
    lanes: [],
    commands: { today: 0, yesterday: 0, lastMinute: 0, budget: null },
    ...changes,
  }
}

const backlog = (pending: number, minutes: number): Partial<Figures> => ({
  counts: { scheduled: 0, pending, processing: 0 },
  pendingByLine: { openai: line(pending), anthropic: line(0) },
  backlogSince: AT - minutes * MINUTE,
})

function only(code: TroubleCode, changes: Partial<Figures>) {
  const troubles = findTroubles(figures(changes))
  expect(troubles.map((trouble) => trouble.code)).toEqual([code])
  return troubles[0]
}

describe("troubles", () => {
  it("are none when all is well, also of a queue that is busy all day", () => {
    expect(findTroubles(figures())).toEqual([])
    const busy = { ...backlog(40, 300), waitMs: { p50: 100, p95: 900, p99: 1000 } }
    expect(findTroubles(figures(busy))).toEqual([])
  })

  it("tell of an open breaker with the codes of its attempts, and when it is tried again", () => {
    const open = provider({
      ...{ breaker: "open", cause: "trouble", troubledSince: at("02:14"), blockedUntil: at("02:16") },
    })
    const attempts = { openai: { completed: 3, provider_unavailable: 12 } }
    expect(only("breaker_open", { providers: { openai: open }, attempts })).toEqual({
      ...{ code: "breaker_open", severity: "warning", provider: "openai", since: at("02:14") },
      text: "openai: its breaker is open, in trouble since 02:14 UTC; 12 of 15 calls of the last 15 minutes ended with provider_unavailable.",
      remedy:
        "Pause openai (dashboard's page Providers, or POST /v1/providers/openai/pause), or give its requests fallbacks; calls resume by themselves with a probe at 02:16 UTC.",
    })
  })

  it("tell of a half-open breaker that the next request is its probe", () => {
    const open = provider({ breaker: "half_open", cause: "trouble", troubledSince: at("02:14") })
    const trouble = only("breaker_open", { providers: { openai: open } })
    expect(trouble?.text).toBe("openai: its breaker is half-open, in trouble since 02:14 UTC.")
    expect(trouble?.remedy).toContain("when the next request, a probe, succeeds")
  })

  it("tell that an account is refused, and to check key and balance", () => {
    const refused = provider({
      ...{ breaker: "open", cause: "account", troubledSince: at("02:10"), blockedUntil: at("02:20") },
    })
    const attempts = { anthropic: { provider_auth: 1 } }
    const trouble = only("provider_account", { providers: { anthropic: refused }, attempts })
    expect(trouble).toMatchObject({ severity: "critical", provider: "anthropic" })
    expect(trouble?.text).toContain("1 of 1 calls of the last 15 minutes ended with provider_auth")
    expect(trouble?.remedy).toMatch(/^Check key and balance/)
    expect(trouble?.remedy).toContain("ANTHROPIC_API_KEY")
    expect(only("provider_account", { providers: { groq: refused } })?.remedy).toContain("CUSTOM_PROVIDERS")
  })

  it("tell that nobody drains, and where to look", () => {
    const trouble = only("no_drain", { ...backlog(34, 6), lastClaimAt: AT - 5 * MINUTE })
    expect(trouble).toMatchObject({ severity: "critical", provider: null, since: AT - 5 * MINUTE })
    expect(trouble?.text).toBe(
      "Nobody drains the queue: 34 requests wait, and none has been claimed since 02:10 UTC, for 5 min.",
    )
    expect(only("no_drain", { ...backlog(34, 6), lastClaimAt: null })?.since).toBe(AT - 6 * MINUTE)
  })

  it.each<[string, Partial<Figures>]>([
    ["the backlog is new", { ...backlog(34, 1), lastClaimAt: null }],
    ["calls are under way", { counts: { scheduled: 0, pending: 34, processing: 1 } }],
    ["the queue is paused", { paused: true }],
    ["its provider may not be called", { providers: { openai: provider({ blockedUntil: AT + 1000 }) } }],
    ["its provider is not configured", { providers: { anthropic: provider() } }],
    [
      "a route may lead to a provider that may not be called",
      {
        pendingByLine: { "auto/fast": line(34) },
        providers: { openai: provider(), anthropic: provider({ blockedUntil: AT + 1000 }) },
      },
    ],
  ])("do not miss a drain when %s", (_, changes) => {
    const codes = findTroubles(figures({ ...backlog(34, 6), lastClaimAt: AT - 5 * MINUTE, ...changes })).map(
      ({ code }) => code,
    )
    expect(codes).not.toContain("no_drain")
  })

  it("miss a drain that has claimed nothing for longer than any call takes", () => {
    const counts = { scheduled: 0, pending: 34, processing: 4 }
    only("no_drain", {
      ...{ ...backlog(34, 30), counts, lastClaimAt: AT - 16 * MINUTE },
      waitMs: { p50: 1, p95: 1, p99: 1 },
    })
  })

  it("tell of a backlog that is old, with what waits where", () => {
    const waitMs = { p50: 1000, p95: 12 * MINUTE, p99: 13 * MINUTE }
    const trouble = only("backlog_age", { ...backlog(1234, 63), waitMs })
    expect(trouble).toMatchObject({ severity: "warning", since: AT - 63 * MINUTE })
    expect(trouble?.text).toBe(
      "There has been a backlog for 1 h 3 min, since 01:12 UTC: 1,234 requests wait, most of them in the line openai; one in twenty of those that started in the last 15 minutes had waited 12 min or longer.",
    )
    const stalled = { ...backlog(2, 63), waitMs: { p50: 1, p95: 1, p99: 1 }, stalledLines: ["openai"] }
    expect(only("backlog_age", stalled)?.text).toContain("nothing starts in openai")
  })

  it("tell of a provider whose calls fail, with a remedy for most of them", () => {
    const of = (counts: Record<string, number>) => only("failure_rate", { attempts: { openai: counts } })
    const trouble = of({ completed: 30, provider_unavailable: 4, timeout: 6 })
    expect(trouble?.text).toBe(
      "openai: 10 of 40 calls of the last 15 minutes failed, most often (6) with timeout (25 % failed).",
    )
    expect(trouble?.remedy).toContain("REQUEST_TIMEOUT_MS")
    expect(of({ provider_rejected: 20 })?.remedy).toContain("whoever sends them")
    expect(of({ provider_rate_limited: 20 })?.remedy).toContain("PROVIDER_LIMITS")
    expect(of({ provider_auth: 20 })?.remedy).toBe("Check openai's key and balance.")
    expect(of({ lease_expired: 20 })?.remedy).toContain("lanes, ticks and workers")
    expect(of({ network: 20 })?.remedy).toContain("POST /v1/providers/openai/pause")
    expect(findTroubles(figures({ attempts: { openai: { completed: 1, cancelled: 50 } } }))).toEqual([])
    const few = { openai: { timeout: THRESHOLDS.failureAttempts - 1 } }
    expect(findTroubles(figures({ attempts: few }))).toEqual([])
  })

  it("tell of a budget of commands that is nearly spent, and of one that is", () => {
    const spent = (today: number) => ({ commands: { today, yesterday: 0, lastMinute: 0, budget: 50_000 } })
    expect(findTroubles(figures(spent(39_999)))).toEqual([])
    expect(only("command_budget", spent(40_000))).toMatchObject({ severity: "warning" })
    const trouble = only("command_budget", spent(50_000))
    expect(trouble).toMatchObject({ severity: "critical" })
    expect(trouble?.text).toBe(
      "The queue has spent 50,000 of its 50,000 Redis commands of today (UTC): 100 %.",
    )
  })

  it("tell what somebody has paused as information", () => {
    const paused = { openai: provider({ paused: true }), anthropic: provider({ paused: true }) }
    const of = (changes: Partial<Figures>) => findTroubles(figures(changes))
    expect(of({ providers: { openai: provider({ paused: true }) } })).toMatchObject([
      { code: "provider_paused", severity: "info", provider: "openai" },
    ])
    // Both are paused with it.
    expect(of({ providers: paused, paused: true })).toMatchObject([
      { code: "queue_paused", severity: "info" },
    ])
  })

  it("tell of a block, which passes by itself", () => {
    const blocked = (ms: number) => ({ providers: { openai: provider({ blockedUntil: AT + ms }) } })
    expect(only("provider_blocked", blocked(20_000))).toMatchObject({ severity: "info" })
    expect(only("provider_blocked", blocked(600_000))).toMatchObject({ severity: "warning" })
  })

  it("come in the order of their urgency", () => {
    const commands = { today: 9, yesterday: 0, lastMinute: 0, budget: 10 }
    const providers = {
      paused: provider({ paused: true }),
      open: provider({ breaker: "open", cause: "trouble", blockedUntil: AT + 1 }),
      refused: provider({ breaker: "half_open", cause: "account" }),
      failing: provider(),
    }
    const attempts = { failing: { timeout: 30 } }
    const pendingByLine = { failing: line(4) }
    const all = { ...backlog(4, 60), lastClaimAt: null, pendingByLine, commands, providers, attempts }
    expect(findTroubles(figures(all)).map(({ code, provider }) => [code, provider])).toEqual([
      ["no_drain", null],
      ["provider_account", "refused"],
      ["breaker_open", "open"],
      ["command_budget", null],
      ["backlog_age", null],
      ["failure_rate", "failing"],
      ["provider_paused", "paused"],
    ])
  })

  it("are told in whole sentences, whatever the figures", () => {
    const instant = fc.integer({ min: AT - 40 * 86_400_000, max: AT + 86_400_000 })
    const count = fc.integer({ min: 0, max: 2_000_000 })
    const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null })
    const shares = fc.record({ p50: maybe(count), p95: maybe(count), p99: maybe(count) })
    const someProvider = fc.record({
      ...{ concurrency: fc.constant(null), rpm: fc.constant(null), tpm: fc.constant(null) },
      models: fc.constant({}),
      breaker: fc.constantFrom("closed", "open", "half_open"),
      cause: maybe(fc.constantFrom("trouble", "account")),
      ...{ troubledSince: maybe(instant), blockedUntil: maybe(instant), paused: fc.boolean() },
    }) as fc.Arbitrary<PulseProvider>
    const name = fc.constantFrom("openai", "anthropic", "openai+", "auto/fast", "gone")
    const any = fc.record({
      ...{ at: fc.constant(AT), stalledLines: fc.array(name), lastClaimAt: maybe(instant) },
      counts: fc.record({ scheduled: count, pending: count, processing: fc.constantFrom(0, 0, 5) }),
      pendingByLine: fc.dictionary(name, count.map(line)),
      ...{ backlogSince: maybe(instant), paused: fc.boolean(), waitMs: shares },
      throughput: fc.constant(figures().throughput),
      providerMs: fc.constant({}),
      attempts: fc.dictionary(name, fc.dictionary(fc.constantFrom("completed", "timeout", "network"), count)),
      ...{ providers: fc.dictionary(name, someProvider), lanes: fc.constant([]) },
      commands: fc.record({ today: count, yesterday: count, lastMinute: count, budget: maybe(count) }),
    }) as fc.Arbitrary<Figures>
    let found = 0
    fc.assert(
      fc.property(any, (given) => {
        for (const { text, remedy } of findTroubles(given)) {
          found += 1
          for (const sentence of [text, remedy]) {
            expect(sentence).not.toMatch(/NaN|undefined|null|Infinity|Invalid| -\d|\(-|\s\s|\[object/)
            expect(sentence).toMatch(/^\S.*\.$/)
          }
        }
      }),
      { numRuns: 300 },
    )
    expect(found).toBeGreaterThan(300)
  })
})
