import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { scriptSha } from "../../dev/script-sha.ts"
import type { AlertSettings } from "../../src/core/alerts.ts"
import type { AuditEntry } from "../../src/core/audit.ts"
import { createChores } from "../../src/queue/chores.ts"
import { createWebhookStore } from "../../src/queue/webhooks.ts"
import { openWebhooks } from "../../src/webhooks/webhooks.ts"
import { countCommands } from "../helpers/count.ts"
import { createTestClock, createTestQueue, settlement, type TestQueue } from "../helpers/queue.ts"
import { signedBy } from "./receiver.ts"
import { receiver, store } from "./stage.ts"

const MINUTE = 60_000
const AUDIT: AuditEntry = {
  ...{ at: 0, action: "alerts.changed", keyId: null, organizationId: null, target: null, ip: null },
}

interface SceneOptions {
  rules?: AlertSettings["rules"]
  alerts?: AlertSettings | null
  fetch?: typeof fetch
  clock?: ReturnType<typeof createTestClock>
  queue?: TestQueue
  allowPrivate?: boolean
}

/** A queue whose alerts are evaluated and told when the test says so. */
function open({ rules = { breaker_open: {} }, ...options }: SceneOptions = {}) {
  const clock = options.clock ?? createTestClock()
  const queue = options.queue ?? createTestQueue(store, { clock })
  const address = {
    redis: { url: store.url, token: store.token },
    queueName: queue.name,
    clock,
    random: () => 0,
  }
  const chores = createChores(address)
  const logged: { event: string; fields: unknown }[] = []
  const note = (event: string, fields: unknown = {}) => {
    logged.push({ event, fields })
  }
  const alertsSetting =
    options.alerts === undefined
      ? { url: `${receiver.url}/alerts?token=s3cret`, rules, remindHours: 4 }
      : options.alerts
  const { alerts, tellAlert, webhooks } = openWebhooks({
    config: {
      ...{ alerts: alertsSetting, queueName: queue.name, webhookResolver: "" },
      webhookAllowPrivate: options.allowPrivate ?? true,
    },
    ...{ queue, chores, store: createWebhookStore(address), fetch: options.fetch ?? fetch, clock },
    ...{ log: { info: note, warn: note, error: note }, random: () => 0.5 },
  })
  const room = { spend: () => undefined, spare: Number.POSITIVE_INFINITY }
  return {
    ...{ clock, queue, alerts, webhooks, chores, logged },
    sibling: (others: SceneOptions = {}) => open({ rules, ...options, ...others, clock, queue }),
    /** A minute later. */
    async tick(minutes = 1) {
      clock.advance(minutes * MINUTE)
      await alerts.evaluate()
    },
    /** Sees to what there is to tell; when it is to be told again. */
    async tell() {
      const { chores: due } = await chores.take(100, MINUTE)
      const at: (number | null)[] = []
      for (const chore of due) {
        at.push(await tellAlert(chore.name.slice("alert|".length), room))
        await chores.settle(chore, at.at(-1) ?? null)
      }
      return at
    },
    async break() {
      const [id = ""] = await queue.enqueueEach({})
      const claimed = await queue.takeOne()
      const report = { health: "account" as const }
      await queue.settle([settlement(claimed, "return", { code: "provider_auth", report })])
      await queue.cancel(id, null)
    },
    heal: () => queue.setPaused("openai", false),
    told: () =>
      receiver.calls.map(({ headers, body }) => ({ id: headers["webhook-id"], ...JSON.parse(body) })),
  }
}

describe("alerts", () => {
  it("ring when a rule has held twice, once, and tell when it is over", async () => {
    const s = open()
    await s.break()
    await s.tick()
    expect((await s.alerts.read()).firing).toEqual([])
    await s.tick()
    for (let minute = 0; minute < 5; minute++) await s.tick()
    await s.tell()
    const [fired, ...more] = s.told()
    expect(more).toEqual([])
    expect(fired).toMatchObject({
      type: "alert.firing",
      data: {
        ...{ queueName: s.queue.name, rule: "breaker_open", provider: "openai", severity: "critical" },
        ...{ reminder: false, remedy: expect.stringMatching(/^Check key and balance/) },
        figures: { pending: 0, attempts: { provider_auth: 1 } },
      },
    })
    const { firing } = await s.alerts.read()
    expect(firing).toMatchObject([
      { alertId: fired.data.alertId, rule: "breaker_open", text: fired.data.text },
    ])
    await s.heal()
    await s.tick()
    expect(await s.tell()).toEqual([])
    await s.tick()
    await s.tell()
    const [, recovered] = s.told()
    expect(recovered).toMatchObject({
      type: "alert.recovered",
      data: {
        alertId: fired.data.alertId,
        text: expect.stringMatching(/^It is over, after \d+ min: openai/),
      },
    })
    expect(recovered.id).not.toBe(fired.id)
    expect(await s.alerts.read()).toMatchObject({
      ...{ firing: [], recovered: [{ alertId: fired.data.alertId }] },
      notices: [
        { type: "alert.recovered", state: "delivered", tries: 1, status: 204 },
        { type: "alert.firing", state: "delivered" },
      ],
    })
  })

  it("do not ring for what comes and goes", async () => {
    const s = open()
    for (let turn = 0; turn < 4; turn++) {
      await s.break()
      await s.tick()
      await s.heal()
      await s.tick()
    }
    await s.break()
    await s.tick()
    await s.tick()
    for (let turn = 0; turn < 4; turn++) {
      await s.heal()
      await s.tick()
      await s.break()
      await s.tick()
    }
    expect(await s.tell()).toHaveLength(1)
    expect(s.told()).toMatchObject([{ type: "alert.firing" }])
  })

  it("are told again after some hours, and when they grow critical", async () => {
    const s = open({ rules: { command_budget: { percent: 80 }, breaker_open: {} } })
    await s.break()
    await s.tick()
    await s.tick()
    await s.tick(239)
    expect(s.told()).toHaveLength(0)
    await s.tell()
    expect(s.told().map(({ data }) => data.reminder)).toEqual([false])
    await s.tick()
    await s.tell()
    expect(s.told().map(({ data }) => data.reminder)).toEqual([false, true])
    expect(new Set(s.told().map(({ id }) => id)).size).toBe(2)
  })

  it("are signed with the secrets of operators, and the tokens of their URL are shown to nobody", async () => {
    const s = open()
    const { secret } = await s.webhooks.secrets.issue("*", "whs_1", null)
    const noticeId = await s.alerts.test()
    await s.tell()
    const [call] = receiver.calls
    expect(call && signedBy(secret, call)).toBe(0)
    expect(call?.path).toBe("/alerts?token=s3cret")
    expect(s.told()).toMatchObject([{ id: noticeId, type: "alert.test" }])
    const shown = JSON.stringify([await s.alerts.read(), s.logged])
    expect(shown).not.toContain("s3cret")
  })

  it("are tried again under the same id and with the same body, until they are given up after a day", async () => {
    const s = open()
    receiver.behave({ status: 500 })
    await s.alerts.test()
    for (let tries = 0; tries < 100; tries++) {
      const [at] = await s.tell()
      if (at === null || at === undefined) break
      s.clock.set(at)
    }
    expect((await s.alerts.read()).notices).toMatchObject([
      { state: "exhausted", status: 500, error: "status" },
    ])
    expect(receiver.calls.length).toBeGreaterThan(10)
    expect(new Set(receiver.calls.map(({ headers, body }) => `${headers["webhook-id"]} ${body}`)).size).toBe(
      1,
    )
  })

  it("are left by a process without the setting to those that have it, for a day", async () => {
    const s = open()
    const stranger = s.sibling({ alerts: null })
    await s.alerts.test()
    expect(await stranger.tell()).toEqual([s.clock() + 30_000])
    s.clock.advance(30_000)
    expect(await s.tell()).toEqual([null])
    expect(s.told()).toMatchObject([{ type: "alert.test" }])
    await s.alerts.test()
    s.clock.advance(24 * 60 * MINUTE)
    expect(await stranger.tell()).toEqual([null])
    expect((await s.alerts.read()).notices).toMatchObject([{ state: "exhausted" }, { state: "delivered" }])
  })

  it("go nowhere private", async () => {
    const s = open({ allowPrivate: false })
    await s.alerts.test()
    await s.tell()
    expect(receiver.calls).toEqual([])
    expect((await s.alerts.read()).notices).toMatchObject([{ state: "failed", error: "private_address" }])
  })

  it("follow rules that are changed at run time, and return to the setting", async () => {
    const s = open({ rules: {} })
    await s.break()
    for (let minute = 0; minute < 3; minute++) await s.tick()
    expect((await s.alerts.read()).firing).toEqual([])
    const changed = await s.alerts.change({ rules: { breaker_open: {} } }, AUDIT)
    expect(changed).toMatchObject({ rules: { breaker_open: {} }, remindHours: 4, changed: ["rules"] })
    await s.tick()
    await s.tick()
    expect((await s.alerts.read()).firing).toHaveLength(1)
    expect(await s.alerts.change({ rules: null }, AUDIT)).toMatchObject({ rules: {}, changed: [] })
    await s.tick()
    expect(await s.alerts.read()).toMatchObject({ firing: [], recovered: [] })
  })

  it("leave alone what a process does not know: a worker that serves other providers ends none", async () => {
    const s = open()
    await s.break()
    await s.tick()
    await s.tick()
    const queue = s.queue.sibling({ settings: { providers: ["anthropic"] } })
    const other = s.sibling()
    const stranger = open({ clock: s.clock, queue })
    for (let minute = 0; minute < 3; minute++) {
      await stranger.tick()
      await other.alerts.evaluate()
    }
    expect(await s.alerts.read()).toMatchObject({ firing: [{ provider: "openai" }], recovered: [] })
  })

  it("cost two commands while nothing changes, and none without the setting", async () => {
    const s = open()
    const cost = async () => (await countCommands(store.redis, () => s.tick())).total
    const isCounted = (await countCommands(store.redis, () => s.tick())).total > 0
    if (!isCounted) return
    expect(await cost()).toBe(2)
    await s.break()
    expect(await cost()).toBe(5)
    expect(await cost()).toBe(6)
    expect(await cost()).toBe(2)
    const off = open({ alerts: null })
    expect((await countCommands(store.redis, () => off.tick())).total).toBe(0)
    await expect(off.alerts.change({ rules: {} }, AUDIT)).rejects.toMatchObject({ code: "conflict" })
    await expect(off.alerts.test()).rejects.toMatchObject({ code: "conflict" })
  })
})

/**
 * Invariant: whoever evaluates, however often, at once, and whatever answers are lost, one notice is decided when a rule
 * has held twice and one when it has not held twice; each of them is told at least once, always under its own id.
 */
describe("of many that evaluate at once", () => {
  it("one decides, though answers are lost on the way", async () => {
    const step = fc.record({
      broken: fc.boolean(),
      evaluators: fc.integer({ min: 1, max: 4 }),
      lose: fc.constantFrom("nothing", "before", "after"),
      tellers: fc.integer({ min: 0, max: 2 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 8 }), async (steps) => {
        await store.flush()
        receiver.calls.length = 0
        const s = open()
        const all = [s, s.sibling(), s.sibling(), s.sibling()]
        let isBroken = false
        // What a single evaluator without faults would decide.
        const expected: string[] = []
        const seen = { holds: 0, over: 0, firing: false }
        for (const { broken, evaluators, lose, tellers } of steps) {
          if (broken !== isBroken) await (broken ? s.break() : s.heal())
          isBroken = broken
          s.clock.advance(MINUTE)
          if (lose !== "nothing") {
            store.bridge.faults.inject({ fault: "drop", when: lose, contains: scriptSha("alert"), times: 1 })
          }
          await Promise.all(all.slice(0, evaluators).map(({ alerts }) => alerts.evaluate()))
          store.bridge.faults.clear()
          seen.holds = broken ? seen.holds + 1 : 0
          seen.over = broken ? 0 : seen.over + 1
          if (!seen.firing && seen.holds === 2) {
            seen.firing = true
            expected.push("alert.firing")
          } else if (seen.firing && seen.over === 2) {
            seen.firing = false
            expected.push("alert.recovered")
          }
          const { notices } = await s.alerts.read()
          expect(notices.map(({ type }) => type).reverse()).toEqual(expected)
          await Promise.all(all.slice(0, tellers).map((each) => each.tell()))
        }
        s.clock.advance(MINUTE)
        await s.tell()
        const { notices } = await s.alerts.read()
        expect(notices.every(({ state }) => state === "delivered")).toBe(true)
        expect(new Set(s.told().map(({ id }) => id))).toEqual(
          new Set(notices.map(({ noticeId }) => noticeId)),
        )
      }),
      { numRuns: 8 },
    )
  }, 120_000)

  it("and one that is gone after its call is followed by another, under the same id", async () => {
    const s = open()
    await s.alerts.test()
    const dying = s.sibling({
      fetch: async (...call) => {
        await fetch(...call)
        throw new Error("its isolate is gone")
      },
    })
    store.bridge.faults.inject({ fault: "status", status: 500, contains: scriptSha("alert"), times: 4 })
    await expect(dying.tell()).rejects.toMatchObject({ code: "store_unavailable" })
    store.bridge.faults.clear()
    s.clock.advance(MINUTE)
    expect(await s.tell()).toEqual([null])
    expect(new Set(s.told().map(({ id }) => id)).size).toBe(1)
    expect(receiver.calls).toHaveLength(2)
  })
})
