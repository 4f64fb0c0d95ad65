import { expect, test } from "vitest"
import { countCommands, countRoundTrips } from "../helpers/count.ts"
import { createTestClock, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** The start of an hour. */
const hour = () => Math.ceil(Date.now() / HOUR_MS) * HOUR_MS

describeQueue("history", ({ open, store, kind, loseAnswerOf }) => {
  const openAt = (at: number) => open({ clock: createTestClock(at) })
  const history = (queue: TestQueue, stepMs = MINUTE_MS, backMs = HOUR_MS) =>
    queue.history({ from: queue.clock() - backMs, to: queue.clock() + 1, stepMs })
  const enqueued = async (queue: TestQueue, stepMs?: number, backMs?: number) =>
    (await history(queue, stepMs, backMs)).points
      .filter(({ enqueued }) => enqueued > 0)
      .map(({ at, enqueued }) => [at, enqueued])

  /** Claims, and rolls when told to. */
  async function tick(queue: TestQueue): Promise<boolean> {
    const { rollDue } = await queue.take({ owner: "tick", limit: 0 })
    if (rollDue) await queue.roll()
    return rollDue
  }

  test("tells of each minute what happened in it, the current one too", async () => {
    const start = hour()
    const queue = openAt(start)
    await queue.enqueueEach({ priority: "high" }, {}, { provider: "anthropic" })
    queue.clock.advance(2000)
    const { requests } = await queue.take({ limit: 2 })
    const [first, second] = requests
    if (first === undefined || second === undefined) throw new Error("nothing was claimed")
    await queue.settle([settlement(first, "completed", { finishedAt: queue.clock() + 800 })])
    await queue.settle([settlement(second, "failed", { code: "provider_rejected" })])
    queue.clock.advance(3 * MINUTE_MS)
    expect(await tick(queue)).toBe(true)
    const [id = ""] = await queue.enqueueEach({})
    await queue.cancel(id, null)
    const { from, to, stepMs, points } = await history(queue)
    expect({ from, to, stepMs }).toEqual({
      ...{ from: start + 3 * MINUTE_MS - HOUR_MS, to: start + 4 * MINUTE_MS, stepMs: MINUTE_MS },
    })
    const none = { p50: null, p95: null, p99: null }
    const openai = {
      p50: expect.closeTo(800, -2),
      p95: expect.closeTo(800, -2),
      p99: expect.closeTo(800, -2),
    }
    const left = { critical: 0, high: 0, normal: 1, low: 0 }
    expect(points).toEqual([
      {
        ...{ at: start, enqueued: 3, completed: 1, failed: 1, retried: 0, cancelled: 0 },
        commands: expect.any(Number),
        waitMs: {
          p50: expect.closeTo(2000, -3),
          p95: expect.closeTo(2000, -3),
          p99: expect.closeTo(2000, -3),
        },
        providerMs: { openai },
        attempts: { openai: { completed: 1, provider_rejected: 1 } },
        pending: { anthropic: left },
      },
      {
        ...{ at: start + 3 * MINUTE_MS, enqueued: 1, completed: 0, failed: 0, retried: 0, cancelled: 1 },
        ...{
          commands: expect.any(Number),
          waitMs: none,
          providerMs: {},
          attempts: {},
          pending: { anthropic: left },
        },
      },
    ])
  })

  test("steps are sums, and end with what was pending last", async () => {
    const start = hour()
    const queue = openAt(start)
    for (let minute = 0; minute < 12; minute++) {
      await tick(queue)
      await queue.enqueueEach({})
      queue.clock.set(start + (minute + 1) * MINUTE_MS)
    }
    await tick(queue)
    const { points } = await history(queue, 5 * MINUTE_MS)
    expect(points.map(({ at, enqueued, pending }) => [at - start, enqueued, pending.openai?.normal])).toEqual(
      [
        [0, 5, 5],
        [5 * MINUTE_MS, 5, 10],
        [10 * MINUTE_MS, 2, 12],
      ],
    )
  })

  test("one claim of a minute is told to roll, when something happened before it", async () => {
    const queue = openAt(hour())
    const due = async () => (await queue.take({ limit: 0 })).rollDue
    expect(await due()).toBe(false)
    await queue.enqueueEach({})
    expect(await due()).toBe(false)
    queue.clock.advance(MINUTE_MS)
    // Others need not; should this one not get to it, the next minute's is told.
    expect([await due(), await due()]).toEqual([true, false])
    queue.clock.advance(MINUTE_MS)
    expect(await due()).toBe(true)
    loseAnswerOf("roll")
    await Promise.all([queue.roll(), queue.roll()])
    // Commands of an idle queue are rolled before the ring comes round.
    let rolls = 0
    for (let minute = 0; minute < 20; minute++) {
      queue.clock.advance(MINUTE_MS)
      if (await tick(queue)) rolls += 1
    }
    expect(rolls).toBe(1)
    expect(await enqueued(queue)).toHaveLength(1)
  })

  test("steady enqueues do not put a roll off", async () => {
    const start = hour()
    const queue = openAt(start)
    for (let minute = 0; minute < 20; minute++) {
      await queue.enqueueEach({})
      await tick(queue)
      queue.clock.advance(MINUTE_MS)
    }
    const each = Array.from({ length: 20 }, (_, minute) => [start + minute * MINUTE_MS, 1])
    expect(await enqueued(queue)).toEqual(each)
  })

  test.runIf(kind === "redis")("a roll costs 4 commands, 8 when an hour is over, 2 for nothing", async () => {
    const start = hour()
    const queue = openAt(start)
    const expectCost = async (what: string, commands: number, run: () => Promise<unknown>) => {
      let trips = 0
      const { total, byName } = await countCommands(queue.redis, async () => {
        trips = await countRoundTrips(store().bridge, run)
      })
      expect([what, trips]).toEqual([what, 1])
      expect(total, `${what}: ${JSON.stringify(byName)}`).toBe(commands)
    }
    const costs = { 1: 4, 5: 4, 61: 8, 62: 4 }
    for (const [minute, commands] of Object.entries(costs)) {
      queue.clock.set(start + Number(minute) * MINUTE_MS)
      await queue.enqueueEach({})
      queue.clock.advance(MINUTE_MS)
      await expectCost(`minute ${minute}`, commands, () => queue.roll())
      await expectCost("again", 2, () => queue.roll())
    }
    await expectCost("figures", 2, () => queue.figures())
  })

  test("hours are sums of their minutes, and tell what those no longer can", async () => {
    const start = hour()
    const queue = openAt(start)
    for (let quarter = 0; quarter < 12; quarter++) {
      await tick(queue)
      await queue.enqueueEach({}, {})
      queue.clock.set(start + (quarter + 1) * 15 * MINUTE_MS)
    }
    // Idle: nobody claims but to find nothing, and the last hour stays open.
    queue.clock.advance(40 * HOUR_MS)
    await tick(queue)
    const days = 60 * HOUR_MS
    const hours = [0, 1, 2].map((number) => [start + number * HOUR_MS, 8])
    expect(await enqueued(queue, HOUR_MS, days)).toEqual(hours)
    expect(await queue.redis.zCard(queue.keys.historyHours)).toBe(2)
    await queue.enqueueEach({})
    queue.clock.advance(MINUTE_MS)
    await tick(queue)
    expect(await queue.redis.zCard(queue.keys.historyHours)).toBe(3)
    expect(await enqueued(queue, HOUR_MS, days)).toEqual([...hours, [start + 43 * HOUR_MS, 1]])
    await queue.redis.del(queue.keys.historyMinutes)
    expect(await enqueued(queue, HOUR_MS, days)).toEqual(hours)
  })

  test("keeps 1,500 minutes and 720 hours", async () => {
    const start = hour()
    const queue = openAt(start)
    const { redis, keys } = queue
    const member = (number: number) => ({ score: number, value: `1|${number}|e:1|` })
    const fill = (key: string, last: number, count: number) =>
      redis.zAdd(
        key,
        Array.from({ length: count }, (_, i) => member(last - count + i)),
      )
    await fill(keys.historyMinutes, start / MINUTE_MS, 1510)
    await fill(keys.historyHours, start / HOUR_MS, 730)
    for (const at of [start, start + HOUR_MS]) {
      queue.clock.set(at)
      await queue.enqueueEach({})
      queue.clock.advance(MINUTE_MS)
      await queue.roll()
    }
    expect(await redis.zCard(keys.historyMinutes)).toBe(1500)
    expect(await redis.zCard(keys.historyHours)).toBe(720)
    expect((await history(queue, MINUTE_MS, 24 * HOUR_MS)).points.length).toBeGreaterThan(1300)
  })

  test("minutes that nobody rolled are lost to it, and to no counter", async () => {
    const start = hour()
    const queue = openAt(start)
    for (let minute = 0; minute < 40; minute++) {
      await queue.enqueueEach({})
      expect((await queue.figures()).enqueued).toBe(minute + 1)
      queue.clock.advance(MINUTE_MS)
    }
    await tick(queue)
    const points = await enqueued(queue)
    // The claim's own commands took the sixteenth's place.
    expect(points).toEqual(Array.from({ length: 15 }, (_, i) => [start + (25 + i) * MINUTE_MS, 1]))
    expect((await queue.figures()).enqueued).toBe(40)
  })

  test("goes on after a roll by a clock that was far ahead", async () => {
    const start = hour()
    const queue = openAt(start)
    await queue.enqueueEach({})
    const ahead = queue.sibling({ clock: createTestClock(start + 1000 * HOUR_MS + 5 * MINUTE_MS) })
    expect(await tick(ahead)).toBe(true)
    for (let minute = 1; minute < 4; minute++) {
      queue.clock.advance(MINUTE_MS)
      await queue.enqueueEach({})
      await tick(queue)
    }
    expect(await enqueued(queue)).toEqual([0, 1, 2, 3].map((minute) => [start + minute * MINUTE_MS, 1]))
    expect((await queue.figures()).enqueued).toBe(4)
  })

  test("members of another format are refused", async () => {
    const queue = open()
    const minute = Math.floor(queue.clock() / MINUTE_MS)
    await queue.redis.zAdd(queue.keys.historyMinutes, { score: minute, value: `2|${minute}|…` })
    await expect(history(queue)).rejects.toMatchObject({ code: "store_unavailable" })
  })

  test("lines of other processes are in it", async () => {
    const queue = open({ clock: createTestClock(hour()), settings: { providers: ["openai"] } })
    const other = queue.sibling({ settings: { providers: ["local-llm"] } })
    await other.enqueueEach({ provider: "local-llm" })
    const pending = { "local-llm": { critical: 0, high: 0, normal: 1, low: 0 } }
    const pendingThen = async () => (await history(queue)).points.map((point) => point.pending)
    expect(await pendingThen()).toEqual([pending])
    queue.clock.advance(MINUTE_MS)
    const third = queue.sibling({ settings: { providers: ["openai"] } })
    await third.roll()
    expect((await pendingThen())[0]).toEqual(pending)
    const pulse = { pendingByLine: pending, counts: { scheduled: 0, processing: 0 } }
    expect(await third.figures()).toMatchObject({ enqueued: 1, pulse })
  })
})
