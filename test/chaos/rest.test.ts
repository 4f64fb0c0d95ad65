import { afterAll, expect, test } from "vitest"
import type { FaultRule } from "../../dev/bridge/faults.ts"
import { AppError } from "../../src/core/errors.ts"
import { createAccess } from "../../src/queue/access.ts"
import { createTestClock, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"
import { isFull } from "./effort.ts"
import { SCENARIOS, type Scenario, SECRET, secretRequests } from "./rest/scenarios.ts"
import { readWholeState } from "./rest/whole-state.ts"
import { recordFault } from "./tally.ts"

/** As a proxy does that shows what it could not deliver. */
const ECHO = `<html>Bad gateway: ${SECRET}</html>`
const FAULTS: Record<string, FaultRule> = {
  "the connection ends before it is executed": { fault: "drop", when: "before" },
  "the connection ends after it was executed": { fault: "drop", when: "after" },
  "the connection is reset before it is executed": { fault: "reset", when: "before" },
  "the connection is reset after it was executed": { fault: "reset", when: "after" },
  "it is delivered twice": { fault: "repeat" },
  "the store is overloaded (500 before)": { fault: "status", status: 500, when: "before" },
  "the answer turns into a 500": { fault: "status", status: 500, when: "after" },
  "there are too many requests (429)": { fault: "status", status: 429 },
  "a proxy answers with HTML (502 before)": { fault: "status", status: 502, body: ECHO },
  "a proxy answers with HTML (502 after)": { fault: "status", status: 502, body: ECHO, when: "after" },
  "the answer is no JSON": { fault: "status", status: 200, body: `{"result": ${SECRET}`, when: "after" },
  "the answer is empty": { fault: "status", status: 200, body: "", when: "after" },
  "the scripts are forgotten": { fault: "noscript" },
}
const AWAY = "any of these, four times in a row"
/** These are answered all the same. */
const HARMLESS: FaultRule["fault"][] = ["noscript", "repeat"]
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

  /** A queue and its undisturbed twin, at the same instant, with the same requests, ready for the same call. */
  async function openTwins({ prepare }: Scenario) {
    const at = Date.now()
    const [queue, twin] = [createTestClock(at), createTestClock(at)].map((clock) =>
      open({ clock, random: () => 0 }),
    ) as [TestQueue, TestQueue]
    const requests = secretRequests(queue, 3)
    const [act, actOfTwin] = [
      await prepare(queue, requests, accessOf(queue)),
      await prepare(twin, requests, accessOf(twin)),
    ]
    return { queue, twin, act, actOfTwin }
  }

  function accessOf({ name }: TestQueue) {
    const { url, token } = store()
    return createAccess({ redis: { url, token }, queueName: name, random: () => 0 })
  }

  async function stateOf({ redis, name }: TestQueue, { counts }: Scenario) {
    const state = await readWholeState(redis, name)
    return counts === undefined ? state : JSON.parse(JSON.stringify(state).replace(counts, "0"))
  }

  // The embedded store is slow; what it does not take part in is seen on the other.
  const chosen = {
    redis: isFull ? /./ : /ends before|reset after|twice|HTML.*after|forgotten/,
    embedded: isFull ? /ends|twice|forgotten/ : /ends after/,
  }
  const ofStore = Object.entries(FAULTS).filter(([what]) => chosen[kind].test(what))
  for (const [what, rule] of ofStore) {
    test.each(SCENARIOS)(`$what is done once, and told truly, when ${what}`, async (scenario) => {
      const { pick = (reply: unknown) => reply } = scenario
      const { queue, twin, act, actOfTwin } = await openTwins(scenario)
      store().bridge.faults.inject({ ...rule, times: TRIES - 1 })
      const reply = await act()
      const fired = store().bridge.faults.list()[0]?.fired ?? 0
      store().bridge.faults.clear()
      expect(pick(reply)).toEqual(pick(await actOfTwin()))
      expect(await stateOf(queue, scenario)).toEqual(await stateOf(twin, scenario))
      if (!HARMLESS.includes(rule.fault)) expect(fired).toBe(TRIES - 1)
      count(what)
    })
  }

  test.each(SCENARIOS)("$what says clearly that the store is gone, and may be repeated", async (scenario) => {
    const { pick = (reply: unknown) => reply } = scenario
    for (const [, rule] of ofStore) {
      if (HARMLESS.includes(rule.fault)) continue
      const { queue, twin, act, actOfTwin } = await openTwins(scenario)
      store().bridge.faults.inject(rule)
      const error = await act().catch((reason: unknown) => reason)
      store().bridge.faults.clear()
      expect(error).toBeInstanceOf(AppError)
      expect(error).toMatchObject({ code: "store_unavailable", status: 503, retryAfterSeconds: 5 })
      expect(everyWordOf(error)).not.toContain(SECRET)
      count(AWAY)
      if (scenario.isNewWhenRepeated) continue
      expect(pick(await act())).toEqual(pick(await actOfTwin()))
      expect(await stateOf(queue, scenario)).toEqual(await stateOf(twin, scenario))
    }
  })

  // Held up for longer than a try may take: the second try overtakes the first, which is executed all the same.
  test.runIf(kind === "redis").each(["before", "after"] as const)(
    "every mutation is done once, and told truly, when it is held up beyond the timeout (%s execution)",
    async (when) => {
      const { counters, faults } = store().bridge
      const delayed = SCENARIOS.map(async (scenario) => {
        const { pick = (reply: unknown) => reply, what } = scenario
        const { queue, twin, act, actOfTwin } = await openTwins(scenario)
        faults.inject({
          fault: "delay",
          when,
          delayMs: TRY_TIMEOUT_MS + 300,
          times: 1,
          contains: `{${queue.name}}`,
        })
        expect(pick(await act()), what).toEqual(pick(await actOfTwin()))
        return { scenario, queue, twin }
      })
      const all = await Promise.all(delayed)
      const answered = () =>
        Object.values(counters.byStatus).reduce((sum, count) => sum + count, counters.dropped)
      await expect.poll(answered, { timeout: 3000 }).toBe(counters.requests)
      for (const { scenario, queue, twin } of all) {
        expect(await stateOf(queue, scenario), scenario.what).toEqual(await stateOf(twin, scenario))
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

  test("a claim of which no answer arrives, by a drain that then ends, leases nothing to anybody for longer than a lease lasts", async () => {
    for (const contains of ["EVALSHA", "MGET"]) {
      const queue = open({ random: () => 0 })
      const other = queue.sibling()
      const ids = (await queue.enqueue(secretRequests(queue, 3))).map(({ requestId }) => requestId)
      store().bridge.faults.inject({ fault: "drop", when: "after", contains })
      for (let lost = 0; lost < 3; lost++) {
        await expect(queue.take({ owner: `lane-${lost}`, limit: 1 })).rejects.toMatchObject({
          code: "store_unavailable",
        })
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
