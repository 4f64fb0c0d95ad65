import { expect, test, vi } from "vitest"
import { scriptSha } from "../../dev/script-sha.ts"
import type { ErrorCode } from "../../src/core/outcome.ts"
import type { SweepVerb } from "../../src/core/sweep.ts"
import { createAccess } from "../../src/queue/access.ts"
import { countCommands, countRoundTrips } from "../helpers/count.ts"
import { type RequestOverrides, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"
import { walk } from "./sweep-walk.ts"

const DAY_MS = 86_400_000

/** Requests that fail so, one after the other; their ids. */
async function deadLetters(
  queue: TestQueue,
  count: number,
  code: ErrorCode,
  overrides: RequestOverrides = {},
) {
  const requests = Array.from({ length: count }, () => queue.newRequest(overrides))
  await queue.enqueue(requests)
  const { requests: claimed } = await queue.take({ limit: count })
  await queue.settle(claimed.map((each) => settlement(each, "failed", { code })))
  return requests.map(({ head }) => head.requestId)
}

const statesOf = async (queue: TestQueue, ids: string[]) =>
  Promise.all(ids.map(async (id) => (await queue.status(id, null))?.state ?? null))
const replaysOf = async (queue: TestQueue, ids: string[]) =>
  Promise.all(ids.map(async (id) => (await queue.status(id, null))?.replays))
const all = <Value>(count: number, value: Value) => Array.from({ length: count }, () => value)

describeQueue("a sweep", ({ open, store, kind, loseAnswerOf }) => {
  test("replays the dead letters that the filter holds for, and no others, page by page", async () => {
    const queue = open()
    const timeouts = await deadLetters(queue, 7, "timeout", { deadlineAt: queue.clock() + 1000 })
    const others = await deadLetters(queue, 2, "provider_auth")
    const elsewhere = await deadLetters(queue, 2, "timeout", { provider: "deepseek" })
    queue.clock.advance(2000)
    const filter = { errorCode: "timeout", provider: "openai" } as const
    expect(await queue.sweep({ verb: "replay", filter, limit: 100, dryRun: true, cursor: null })).toEqual({
      ...{ matched: 7, done: 0, skipped: 0, examined: 11, nextCursor: null },
      groups: [{ provider: "openai", errorCode: "timeout", count: 7 }],
      ...{ aborts: [], choresDue: false },
    })
    expect(await statesOf(queue, timeouts)).toEqual(all(7, "failed"))
    expect(await walk(queue, "replay", filter, { limit: 3 })).toMatchObject({ matched: 7, done: 7, pages: 3 })
    expect(await statesOf(queue, timeouts)).toEqual(all(7, "pending"))
    // As a single replay does it: without its deadline.
    expect(await queue.status(timeouts[0] ?? "", null)).toMatchObject({ replays: 1, deadlineAt: null })
    expect(await statesOf(queue, [...others, ...elsewhere])).toEqual(all(4, "failed"))
    expect(await walk(queue, "replay", filter)).toMatchObject({ matched: 0, done: 0 })
  })

  test("goes from day to day, also when the day it stood in has become empty", async () => {
    const queue = open()
    const ids: string[] = []
    for (let day = 0; day < 3; day++) {
      ids.push(...(await deadLetters(queue, 2, "timeout")))
      queue.clock.advance(DAY_MS)
    }
    expect(await walk(queue, "replay", {}, { limit: 1 })).toMatchObject({ matched: 6, done: 6 })
    expect(await replaysOf(queue, ids)).toEqual(all(6, 1))
  })

  test("touches nothing twice that fails again while it goes on", async () => {
    const queue = open()
    const ids = await deadLetters(queue, 6, "provider_auth")
    const failAgain = async () => {
      queue.clock.advance(1)
      const { requests } = await queue.take()
      await queue.settle(requests.map((each) => settlement(each, "failed", { code: "provider_auth" })))
    }
    const swept = await walk(queue, "replay", {}, { limit: 2, betweenPages: failAgain })
    expect(swept).toMatchObject({ matched: 6, done: 6 })
    expect(await replaysOf(queue, ids)).toEqual(all(6, 1))
  })

  test("counts a thousand that all have the same score", async () => {
    const queue = open()
    await queue.enqueue(Array.from({ length: 1000 }, () => queue.newRequest()))
    await queue.enqueue(Array.from({ length: 100 }, () => queue.newRequest()))
    expect(await walk(queue, "cancel", { state: "pending" }, { dryRun: true })).toMatchObject({
      ...{ matched: 1100, examined: 1100, pages: 3 },
    })
    expect((await queue.stats()).counts.pending).toBe(1100)
  })

  test("cancels what has not ended, wherever it stands, and tells whose calls are to end", async () => {
    const queue = open()
    const callback = {
      url: "https://example.com/hook",
      events: ["request.cancelled" as const],
      includeResponse: false,
    }
    const [running = ""] = await queue.enqueueEach({ priority: "critical" })
    const held = await queue.takeOne({ owner: "lane-1:x" })
    const ids = await queue.enqueueEach(
      ...[{ callback }, { provider: "deepseek" }, { scheduledAt: queue.clock() + 5000 }],
      { fallbacks: [{ provider: "anthropic", model: "m" }] },
    )
    const [failed = ""] = await deadLetters(queue, 1, "timeout", { priority: "critical" })
    const swept = await queue.sweep({ verb: "cancel", filter: {}, limit: 100, dryRun: false, cursor: null })
    expect(swept).toMatchObject({ matched: 5, done: 5, skipped: 0, choresDue: true, nextCursor: null })
    expect(swept.aborts).toEqual([{ owner: "lane-1:x", requestId: running, attempt: 1 }])
    expect(swept.groups).toEqual([
      { provider: "openai", errorCode: null, count: 4 },
      { provider: "deepseek", errorCode: null, count: 1 },
    ])
    expect(await statesOf(queue, [running, ...ids])).toEqual(all(5, "cancelled"))
    expect(await statesOf(queue, [failed])).toEqual(["failed"])
    expect(await queue.settle([settlement(held, "completed")])).toEqual(["noted"])
  })

  test("leaves alone what has started meanwhile when those are meant that wait", async () => {
    const queue = open()
    const [started = "", waiting = ""] = await queue.enqueueEach({ priority: "critical" }, {})
    const fetched = globalThis.fetch
    let isFirst = true
    const sha = scriptSha("cancel")
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
      if (isFirst && String(init?.body).includes(sha)) {
        isFirst = false
        await queue.takeOne()
      }
      return fetched(input, init)
    })
    const swept = await walk(queue, "cancel", { state: "pending" })
    vi.restoreAllMocks()
    expect(swept).toMatchObject({ matched: 2, done: 1, skipped: 1 })
    expect(await statesOf(queue, [started, waiting])).toEqual(["processing", "cancelled"])
    expect(await walk(queue, "cancel", { state: "processing" })).toMatchObject({ matched: 1, done: 1 })
  })

  test("discards dead letters for good, over days", async () => {
    const queue = open()
    const old = await deadLetters(queue, 2, "provider_rejected")
    queue.clock.advance(DAY_MS)
    const ids = [...old, ...(await deadLetters(queue, 2, "provider_rejected"))]
    const kept = await deadLetters(queue, 1, "timeout")
    const filter = { errorCode: "provider_rejected" } as const
    expect(await walk(queue, "discard", filter)).toMatchObject({ matched: 4, done: 4, examined: 5 })
    expect(await statesOf(queue, [...ids, ...kept])).toEqual([...all(4, null), "failed"])
    expect((await queue.stats()).counts.failed).toBe(1)
  })

  test("of one organization looks at its own alone", async () => {
    const queue = open()
    const own = await deadLetters(queue, 2, "timeout", { organizationId: "own" })
    await deadLetters(queue, 3, "timeout", { organizationId: "other" })
    await queue.enqueueEach({ organizationId: "own" }, { organizationId: "other" })
    const filter = { organizationId: "own" }
    expect(await walk(queue, "cancel", filter)).toMatchObject({ matched: 1, done: 1, examined: 1 })
    expect(await walk(queue, "replay", filter)).toMatchObject({ matched: 2, done: 2, examined: 2 })
    expect(await statesOf(queue, own)).toEqual(all(2, "pending"))
    expect((await queue.stats()).counts).toMatchObject({ failed: 3, pending: 3 })
  })

  test.each(["replay", "cancel", "discard"] as const)(
    "%s is exact though its answers are lost",
    async (verb) => {
      const queue = open()
      const ids =
        verb === "cancel" ? await queue.enqueueEach({}, {}, {}) : await deadLetters(queue, 3, "timeout")
      loseAnswerOf(verb, 2)
      expect(await walk(queue, verb, {})).toMatchObject({ matched: 3, done: 3, skipped: 0 })
      const state = { replay: "pending", cancel: "cancelled", discard: null }[verb]
      expect(await statesOf(queue, ids)).toEqual(all(3, state))
      if (verb === "replay") expect(await replaysOf(queue, ids)).toEqual(all(3, 1))
    },
  )

  test.each(["drop", "repeat"] as const)(
    "that meets a bad way to the store (%s) does each once",
    async (fault) => {
      const queue = open()
      const ids = await deadLetters(queue, 8, "timeout")
      store().bridge.faults.inject({ fault, when: "after", every: 2 })
      const swept = await walk(queue, "replay", {}, { limit: 3 })
      store().bridge.faults.clear()
      expect(swept).toMatchObject({ matched: 8, done: 8 })
      expect(await replaysOf(queue, ids)).toEqual(all(8, 1))
    },
  )

  test("by two at once replays each once, and a discard beside it leaves each in one place", async () => {
    const queue = open()
    const ids = await deadLetters(queue, 9, "timeout")
    const [one, two] = await Promise.all([
      walk(queue, "replay", {}, { limit: 2 }),
      walk(queue.sibling(), "replay", {}, { limit: 3 }),
    ])
    expect(one.done + two.done).toBeGreaterThanOrEqual(9)
    expect(await replaysOf(queue, ids)).toEqual(all(9, 1))
    expect(await statesOf(queue, ids)).toEqual(all(9, "pending"))
    const more = await deadLetters(queue, 9, "timeout", { priority: "critical" })
    await Promise.all([walk(queue, "replay", {}, { limit: 2 }), walk(queue, "discard", {}, { limit: 2 })])
    for (const state of await statesOf(queue, more)) expect(["pending", null]).toContain(state)
  })

  test("is noted once a page, in the round trip that acts, with how many it acts on", async () => {
    const queue = open()
    await deadLetters(queue, 3, "timeout")
    const access = createAccess({ redis: store(), queueName: queue.name })
    const audit = {
      at: 1,
      action: "requests.replayed",
      keyId: "k",
      organizationId: "*",
      target: "all",
      ip: null,
    }
    loseAnswerOf("replay")
    await walk(queue, "replay", {}, { audit, limit: 2 })
    await walk(queue, "replay", {}, { audit, dryRun: true })
    const { data } = await access.listAudit(10, null)
    expect(data).toEqual([
      { ...audit, target: "1 of all" },
      { ...audit, target: "2 of all" },
    ])
  })

  test("refuses a cursor that is none of its own", async () => {
    const queue = open()
    await queue.enqueueEach({}, {})
    const page = await queue.sweep({
      verb: "cancel",
      filter: { state: "pending" },
      limit: 1,
      dryRun: false,
      cursor: null,
    })
    for (const cursor of ["nonsense", "failed.20000~1~req_1", page.nextCursor]) {
      const other = queue.sweep({ verb: "replay", filter: {}, limit: 1, dryRun: false, cursor })
      await expect(other).rejects.toMatchObject({ code: "invalid_request", errors: [{ path: "/cursor" }] })
    }
  })

  test("costs little beside what it does, which travels together", async () => {
    const queue = open()
    const cost = async (run: () => Promise<unknown>) => {
      let trips = 0
      const { total } = await countCommands(queue.redis, async () => {
        trips = await countRoundTrips(store().bridge, run)
      })
      return { trips, ...(kind === "redis" && { commands: total }) }
    }
    const audit = { at: 1, action: "a", keyId: "k", organizationId: "*", target: "all", ip: null }
    const sweep = (verb: SweepVerb, dryRun = false) =>
      cost(() => queue.sweep({ verb, filter: {}, limit: 20, dryRun, cursor: null, audit }))
    const costs = (trips: number, commands: number) => ({ trips, ...(kind === "redis" && { commands }) })
    await deadLetters(queue, 20, "timeout")
    expect(await sweep("replay", true)).toEqual(costs(3, 4))
    expect(await sweep("replay")).toEqual(costs(4, 7 + 20 * 12))
    expect(await sweep("cancel", true)).toEqual(costs(3, 9))
    expect(await sweep("cancel")).toEqual(costs(4, 12 + 20 * 11))
    await deadLetters(queue, 20, "timeout")
    expect(await sweep("discard")).toEqual(costs(4, 7 + 7))
  })
})
