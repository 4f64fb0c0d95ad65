import { expect, test } from "vitest"
import type { ListOptions } from "../../src/queue/contract.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const DAY_MS = 86_400_000
const ALL: ListOptions = { state: null, organizationId: "org-1", limit: 100, cursor: null }

const idsOf = async (queue: TestQueue, options: Partial<ListOptions>) =>
  (await queue.list({ ...ALL, ...options })).data.map(({ requestId }) => requestId)

/** All pages until there is no cursor, each no longer than the limit. */
async function walk(queue: TestQueue, options: Partial<ListOptions>) {
  const ids: string[] = []
  let cursor: string | null = null
  for (let pages = 0; pages < 100; pages++) {
    const page = await queue.list({ ...ALL, ...options, cursor })
    expect(page.data.length).toBeLessThanOrEqual(options.limit ?? ALL.limit)
    ids.push(...page.data.map(({ requestId }) => requestId))
    if (page.nextCursor === null) return ids
    expect(page.nextCursor).not.toBe(cursor)
    cursor = page.nextCursor
  }
  throw new Error("the pages never end")
}

/** 30 requests of two organizations, five in each state, spread over two providers; ids by state, oldest first. */
async function fill(queue: TestQueue) {
  const states = ["completed", "failed", "cancelled", "processing", "pending", "scheduled"] as const
  const byState: Record<string, string[]> = Object.fromEntries(states.map((state) => [state, []]))
  for (let i = 0; i < 30; i++) {
    const state = states[i % 6] ?? "pending"
    const organizationId = i % 5 === 0 ? "org-2" : "org-1"
    const scheduledAt = state === "scheduled" ? queue.clock() + 1_000_000 : null
    const provider = i % 4 === 0 ? "openai" : "deepseek"
    const priority = state === "pending" ? "low" : "critical"
    const [id = ""] = await queue.enqueueEach({ organizationId, scheduledAt, provider, priority })
    byState[state]?.push(id)
    if (state === "cancelled") await queue.cancel(id, null)
    if (["completed", "failed", "processing"].includes(state)) {
      const claimed = await queue.takeOne()
      if (state === "completed" || state === "failed") await queue.settle([settlement(claimed, state)])
    }
    if (i % 2 === 1) queue.clock.advance(1)
  }
  return byState
}

describeQueue("list", ({ open, store }) => {
  test("by organization: its own requests in every state, newest first, also within one millisecond", async () => {
    const queue = open()
    const ids = Object.values(await fill(queue))
      .flat()
      .sort()
      .reverse()
    const mine = await walk(queue, { organizationId: "org-1", limit: 7 })
    const theirs = await walk(queue, { organizationId: "org-2", limit: 3 })
    expect([...mine, ...theirs].sort().reverse()).toEqual(ids)
    expect(theirs).toHaveLength(6)
    expect(mine).toEqual([...mine].sort().reverse())
    expect(await walk(queue, { organizationId: "org-1", limit: 100 })).toEqual(mine)
    expect(await idsOf(queue, { organizationId: "org-3" })).toEqual([])
  })

  test("by state: of every organization and line, newest first", async () => {
    const queue = open()
    const byState = await fill(queue)
    for (const [state, ids] of Object.entries(byState)) {
      const options = { state: state as ListOptions["state"], organizationId: null }
      const newestFirst = [...ids].reverse()
      expect(await walk(queue, { ...options, limit: 2 })).toEqual(newestFirst)
      const page = await queue.list({ ...ALL, ...options, limit: 5 })
      expect(page.data.map(({ requestId }) => requestId)).toEqual(newestFirst)
      expect(new Set(page.data.map((status) => status.state))).toEqual(new Set([state]))
    }
  })

  test("by both: only what is in that state and that organization's", async () => {
    const queue = open()
    const byState = await fill(queue)
    const mine = new Set(await walk(queue, { organizationId: "org-2" }))
    for (const [state, ids] of Object.entries(byState)) {
      const options = { state: state as ListOptions["state"], organizationId: "org-2" }
      const expected = ids.filter((id) => mine.has(id)).reverse()
      expect(await walk(queue, { ...options, limit: 1 })).toEqual(expected)
      expect(await walk(queue, { ...options, limit: 50 })).toEqual(expected)
    }
  })

  test("tells of each what its status tells, without the response", async () => {
    const queue = open()
    await fill(queue)
    for (const status of (await queue.list(ALL)).data) {
      expect(status.response).toBe(null)
      const alone = await queue.status(status.requestId, null)
      expect(status).toEqual({ ...alone, response: null })
    }
  })

  test("a long answer does not travel, and hides nothing else", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const settled = settlement(await queue.takeOne(), "completed")
    const text = "a long answer ".repeat(10_000)
    const response = settled.result.response && { ...settled.result.response, id: text }
    await queue.settle([{ ...settled, result: { ...settled.result, response } }])
    const { data } = await queue.list(ALL)
    expect(data).toMatchObject([
      { requestId: id, state: "completed", response: null, attempts: [{ number: 1 }] },
    ])
    expect(data[0]?.usage).toEqual(settled.result.usage)
  })

  test("what comes and ends between two pages is neither shown twice nor skips another", async () => {
    const queue = open()
    const ids = await queue.enqueueEach(...Array.from({ length: 6 }, () => ({})))
    const first = await queue.list({ ...ALL, limit: 3 })
    await queue.enqueueEach({}, {})
    const { requests } = await queue.take({ limit: 2 })
    await queue.settle(requests.map((each) => settlement(each, "failed")))
    for (const each of requests) await queue.cancel(each.lease.requestId, null)
    const second = await queue.list({ ...ALL, limit: 3, cursor: first.nextCursor })
    const seen = [...first.data, ...second.data].map(({ requestId }) => requestId)
    // The two oldest were discarded meanwhile.
    expect(seen).toEqual([...ids].reverse().slice(0, 4))
  })

  test("a tenant's list reaches back two months, and a finished list over every day of expiry", async () => {
    const queue = open()
    const { clock } = queue
    const ids: string[] = []
    for (const days of [0, 1, 6, 2, 25, 27]) {
      clock.advance(days * DAY_MS)
      const [id = ""] = await queue.enqueueEach({ resultTtlSeconds: 2_592_000 })
      ids.push(id)
      await queue.settle([settlement(await queue.takeOne(), days % 2 ? "failed" : "completed")])
    }
    const newestFirst = [...ids].reverse()
    expect(await idsOf(queue, {})).toEqual(newestFirst)
    expect(await walk(queue, { limit: 1 })).toEqual(newestFirst)
    const completed = [5, 4, 3, 2, 1, 0].filter((i) => [0, 2, 3].includes(i)).map((i) => ids[i])
    expect(await walk(queue, { state: "completed", organizationId: null, limit: 1 })).toEqual(completed)
    // An hourly clean-up took what is past its TTL out of the indexes, and nothing else.
    await queue.cleanup(null)
    const kept = await walk(queue, { state: "failed", organizationId: null })
    expect(kept).toEqual([ids[5]])
  })

  test("lines that are not configured here are listed too", async () => {
    const queue = open({ settings: { providers: ["local-llm"] } })
    const [pending = "", processing = ""] = await queue.enqueueEach(
      ...([{ provider: "local-llm", priority: "low" }, { provider: "local-llm" }] as const),
    )
    await queue.takeOne()
    const stranger = queue.sibling({ settings: { providers: ["openai"] } })
    expect(await idsOf(stranger, {})).toEqual([processing, pending])
    const another = queue.sibling({ settings: { providers: ["openai"] } })
    expect(await idsOf(another, { state: "processing", organizationId: null })).toEqual([processing])
    const third = queue.sibling({ settings: { providers: ["openai"] } })
    expect(await idsOf(third, { state: "pending", organizationId: null })).toEqual([pending])
  })

  test("two round trips by organization, three by state", async () => {
    const queue = open()
    await fill(queue)
    const trips = async (options: Partial<ListOptions>) => {
      store().bridge.counters.reset()
      await queue.list({ ...ALL, limit: 2, ...options })
      return store().bridge.counters.requests
    }
    expect(await trips({})).toBe(2)
    expect(await trips({ state: "pending", organizationId: null })).toBe(3)
    expect(await trips({ state: "completed", organizationId: null })).toBe(3)
  })

  test("tells of one with the longest metadata and fallbacks that there can be", async () => {
    const queue = open()
    const names = Array.from({ length: 16 }, (_, i) => String.fromCharCode(i + 1) + "\u0001".repeat(63))
    const metadata = Object.fromEntries(names.map((name) => [name, "\u0001".repeat(512)]))
    const model = (i: number) => "😀".repeat(127) + i
    const fallbacks = Array.from({ length: 5 }, (_, i) => ({ provider: "anthropic", model: model(i) }))
    const [id = ""] = await queue.enqueueEach({ metadata, model: model(9), fallbacks })
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    const { data } = await queue.list({ state: null, organizationId: "org-1", limit: 10, cursor: null })
    expect(data).toMatchObject([{ requestId: id, metadata, fallbacks, state: "completed", response: null }])
  })
})
