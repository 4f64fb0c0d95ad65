import { expect, test } from "vitest"
import type { FaultRule } from "../../dev/bridge/faults.ts"
import { AppError } from "../../src/core/errors.ts"
import { createTestClock, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"
import { readRawQueue } from "../helpers/raw-queue.ts"
import { pictureFrom } from "./model/picture.ts"
import { SCENARIOS, type Scenario, SECRET, secretRequests } from "./model/scenarios.ts"

/** As a proxy does that shows what it could not deliver. */
const ECHO = `<html>Bad gateway: ${SECRET}</html>`
const FAULTS: Record<string, FaultRule> = {
  "the connection is reset before it is executed": { fault: "drop", when: "before" },
  "the connection is reset after it was executed": { fault: "drop", when: "after" },
  "the store is overloaded (500 before)": { fault: "status", status: 500, when: "before" },
  "the answer turns into a 500": { fault: "status", status: 500, when: "after" },
  "there are too many requests (429)": { fault: "status", status: 429 },
  "a proxy answers with HTML (502 before)": { fault: "status", status: 502, body: ECHO },
  "a proxy answers with HTML (502 after)": { fault: "status", status: 502, body: ECHO, when: "after" },
  "the answer is no JSON": { fault: "status", status: 200, body: `{"result": ${SECRET}`, when: "after" },
  "the answer is empty": { fault: "status", status: 200, body: "", when: "after" },
  "the scripts are forgotten": { fault: "noscript" },
}
/** As `queue/store.ts` tries. */
const TRIES = 4

describeQueue("faults of the way to the store", ({ kind, open, store }) => {
  /** A queue and its undisturbed twin, at the same instant, with the same requests, ready for the same call. */
  async function openTwins({ prepare }: Scenario) {
    const at = Date.now()
    const [queue, twin] = [createTestClock(at), createTestClock(at)].map((clock) =>
      open({ clock, random: () => 0 }),
    ) as [TestQueue, TestQueue]
    const requests = secretRequests(queue, 3)
    return { queue, twin, act: await prepare(queue, requests), actOfTwin: await prepare(twin, requests) }
  }

  async function stateOf({ redis, name, clock }: TestQueue) {
    const picture = await pictureFrom(await readRawQueue(redis, name), redis, name, clock())
    return JSON.parse(JSON.stringify(picture).replace(/\b[0-9a-f]{16}\.\d+/g, "op"))
  }

  // The embedded store is slow; what it does not take part in is seen on the other.
  const ofStore = Object.entries(FAULTS).filter(
    ([what]) => kind === "redis" || /executed$|forgotten$/.test(what),
  )
  for (const [what, rule] of ofStore) {
    test.each(SCENARIOS)(`$what is done once, and told truly, when ${what}`, async (scenario) => {
      const { pick = (reply: unknown) => reply } = scenario
      const { queue, twin, act, actOfTwin } = await openTwins(scenario)
      store().bridge.faults.inject({ ...rule, times: TRIES - 1 })
      const reply = await act()
      const fired = store().bridge.faults.list()[0]?.fired ?? 0
      store().bridge.faults.clear()
      expect(pick(reply)).toEqual(pick(await actOfTwin()))
      expect(await stateOf(queue)).toEqual(await stateOf(twin))
      if (rule.fault !== "noscript") expect(fired).toBe(TRIES - 1)
    })
  }

  test.each(SCENARIOS)("$what says clearly that the store is gone, and may be repeated", async (scenario) => {
    const { pick = (reply: unknown) => reply } = scenario
    for (const [, rule] of ofStore) {
      if (rule.fault === "noscript") continue
      const { queue, twin, act, actOfTwin } = await openTwins(scenario)
      store().bridge.faults.inject(rule)
      const error = await act().catch((reason: unknown) => reason)
      store().bridge.faults.clear()
      expect(error).toBeInstanceOf(AppError)
      expect(error).toMatchObject({ code: "store_unavailable", status: 503, retryAfterSeconds: 5 })
      expect(everyWordOf(error)).not.toContain(SECRET)
      if (scenario.isNewWhenRepeated) continue
      expect(pick(await act())).toEqual(pick(await actOfTwin()))
      expect(await stateOf(queue)).toEqual(await stateOf(twin))
    }
  })

  const slow = SCENARIOS.filter(({ what }) => ["enqueue one", "claim", "settle completed"].includes(what))
  test.runIf(kind === "redis").each(slow)(
    "$what, when the answer comes after the client gave up",
    async (scenario) => {
      const { pick = (reply: unknown) => reply } = scenario
      const { queue, twin, act, actOfTwin } = await openTwins(scenario)
      // Held up for longer than a try may take: the second try overtakes the first, which is executed all the same.
      const remove = store().bridge.faults.inject({ fault: "delay", delayMs: 5300, times: 1 })
      const reply = await act()
      remove()
      expect(pick(reply)).toEqual(pick(await actOfTwin()))
      const { counters } = store().bridge
      const answered = () =>
        Object.values(counters.byStatus).reduce((sum, count) => sum + count, counters.dropped)
      await expect.poll(answered, { timeout: 3000 }).toBe(counters.requests)
      expect(await stateOf(queue)).toEqual(await stateOf(twin))
    },
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
