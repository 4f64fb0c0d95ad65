import { afterAll, expect, test } from "vitest"
import { AppError } from "../../src/core/errors.ts"
import { describeQueue } from "../helpers/queue-suite.ts"
import { isFull } from "./effort.ts"
import { FAULTS, isHarmless } from "./rest/faults.ts"
import { SCENARIOS, type Scenario, SECRET, secretRequests } from "./rest/scenarios.ts"
import { openTwins as openTwinsOn, stateOf } from "./rest/twins.ts"
import { recordFault } from "./tally.ts"

const AWAY = "any of these, four times in a row"
/** As `queue/store.ts` tries. */
const TRIES = 4
const TRY_TIMEOUT_MS = 5000

describeQueue("faults of the way to the store", ({ kind, open, store }) => {
  const tried = new Map<string, number>()
  const count = (fault: string) => tried.set(fault, (tried.get(fault) ?? 0) + 1)
  afterAll(() => {
    for (const [fault, times] of tried) {
      const seen =
        fault === AWAY
          ? "503 store_unavailable, then the true answer"
          : "the true answer; the stored state of an undisturbed run"
      recordFault({ table: "rest", fault: `${fault} (${kind} store)`, tried: times, seen })
    }
  })

  const openTwins = (scenario: Scenario) => openTwinsOn(store(), open, scenario)

  // The embedded store is slow; what it does not take part in is seen on the other.
  const chosen = {
    redis: isFull ? /./ : /ends before|reset after|twice|HTML.*after|forgotten/,
    embedded: isFull ? /ends|twice|forgotten/ : /ends after/,
  }
  const ofStore = Object.entries(FAULTS).filter(([what]) => chosen[kind].test(what))
  for (const [what, rule] of ofStore) {
    test.each(SCENARIOS)(`$what is done once, and told truly, when ${what}`, async (scenario) => {
      const { queue, twin, act, actOfTwin } = await openTwins(scenario)
      store().bridge.faults.inject({ ...rule, times: TRIES - 1 })
      const reply = await act()
      const fired = store().bridge.faults.list()[0]?.fired ?? 0
      store().bridge.faults.clear()
      expect(reply).toEqual(await actOfTwin())
      expect(await stateOf(store(), queue, scenario)).toEqual(await stateOf(store(), twin, scenario))
      if (!isHarmless(rule)) expect(fired).toBe(TRIES - 1)
      count(what)
    })
  }

  test.each(SCENARIOS)("$what says clearly that the store is gone, and may be repeated", async (scenario) => {
    for (const [, rule] of ofStore) {
      if (isHarmless(rule)) continue
      const { queue, twin, act, actOfTwin } = await openTwins(scenario)
      store().bridge.faults.inject(rule)
      const error = await act().catch((reason: unknown) => reason)
      store().bridge.faults.clear()
      expect(error).toBeInstanceOf(AppError)
      expect(error).toMatchObject({ code: "store_unavailable", status: 503, retryAfterSeconds: 5 })
      expect(everyWordOf(error)).not.toContain(SECRET)
      count(AWAY)
      if (scenario.isNewWhenRepeated) continue
      expect(await act()).toEqual(await actOfTwin())
      expect(await stateOf(store(), queue, scenario)).toEqual(await stateOf(store(), twin, scenario))
    }
  })

  // Held up for longer than a try may take: the second try overtakes the first, which is executed all the same.
  test.runIf(kind === "redis").each(["before", "after"] as const)(
    "every mutation is done once, and told truly, when it is held up beyond the timeout (%s execution)",
    async (when) => {
      const { counters, faults } = store().bridge
      const delayed = SCENARIOS.map(async (scenario) => {
        const { queue, twin, act, actOfTwin } = await openTwins(scenario)
        faults.inject({
          fault: "delay",
          when,
          delayMs: TRY_TIMEOUT_MS + 300,
          times: 1,
          contains: `{${queue.name}}`,
        })
        expect(await act(), scenario.what).toEqual(await actOfTwin())
        return { scenario, queue, twin }
      })
      const all = await Promise.all(delayed)
      const answered = () =>
        Object.values(counters.byStatus).reduce((sum, count) => sum + count, counters.dropped)
      await expect.poll(answered, { timeout: 3000 }).toBe(counters.requests)
      for (const { scenario, queue, twin } of all) {
        expect(await stateOf(store(), queue, scenario), scenario.what).toEqual(
          await stateOf(store(), twin, scenario),
        )
        count(`it is held up beyond the timeout, ${when} execution`)
      }
      expect(faults.list().map(({ fired }) => fired)).toEqual(SCENARIOS.map(() => 1))
    },
    30_000,
  )

  test("an organization's name is not taken for what the store says", async () => {
    for (const organizationId of [
      "OOM",
      "maxmemory",
      "WRONGPASS",
      "unauthorized",
      "user_script",
      "NOSCRIPT",
    ]) {
      const queue = open({
        name: `q-${organizationId}`,
        random: () => 0,
        settings: { providers: ["openai"] },
      })
      store().bridge.faults.inject({ fault: "status", status: 500, times: 1 })
      expect(await queue.enqueue(secretRequests(queue, 1, { organizationId }))).toMatchObject([
        { state: "pending" },
      ])
      store().bridge.faults.clear()
      expect((await queue.take()).requests).toHaveLength(1)
    }
  })

  test("a claim of which no answer arrives leases nothing to anybody for longer than a lease lasts", async () => {
    for (const contains of ["EVALSHA", "MGET"]) {
      const queue = open({ random: () => 0 })
      const other = queue.sibling()
      const ids = (await queue.enqueue(secretRequests(queue, 3))).map(({ requestId }) => requestId)
      store().bridge.faults.inject({ fault: "drop", when: "after", contains })
      for (let lost = 0; lost < 3; lost++) {
        await expect(queue.take({ limit: 1 })).rejects.toMatchObject({ code: "store_unavailable" })
      }
      store().bridge.faults.clear()
      expect((await other.take({ owner: "other" })).requests).toEqual([])
      const { wakeAt } = await other.take({ owner: "other" })
      expect(wakeAt).toBeLessThanOrEqual(queue.clock() + 60_000 + 35_000)
      queue.clock.set(wakeAt ?? 0)
      const { requests } = await other.take({ owner: "other" })
      expect(requests.map(({ head }) => head.requestId)).toEqual(ids)
      expect(requests.map(({ lease }) => lease.attempt)).toEqual([2, 2, 2])
      expect(requests.map(({ retries }) => retries)).toEqual([0, 0, 0])
    }
  })
})

/** All that could be logged of an error, of its cause, and so on. */
function everyWordOf(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? String(error)
  const { message, stack, cause } = error
  return [message, stack, JSON.stringify(error), cause === undefined ? "" : everyWordOf(cause)].join("\n")
}
