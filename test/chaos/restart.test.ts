import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { findRedisServer } from "../../dev/store-redis.ts"
import { findLeaks } from "../helpers/conserved.ts"
import { createTestQueue, settlement, type TestQueue, type TestQueueOptions } from "../helpers/queue.ts"
import { readRawQueue } from "../helpers/raw-queue.ts"
import { type KillableStore, startKillableStore } from "./killable-store.ts"
import { SCENARIOS } from "./rest/scenarios.ts"
import { openTwins, stateOf, type Twins } from "./rest/twins.ts"
import { recordFault } from "./tally.ts"

const GONE = { code: "store_unavailable", status: 503, retryAfterSeconds: 5 }

describe.skipIf(findRedisServer() === null)("a store that is killed and comes back", () => {
  let store: KillableStore
  beforeAll(async () => {
    store = await startKillableStore()
  })
  afterAll(() => store.close())

  /** Every mutation at the moment before it, each on a queue of its own, with an undisturbed twin. */
  function openAll(): Promise<Twins[]> {
    const open = (options: TestQueueOptions) => createTestQueue(store, options)
    return Promise.all(SCENARIOS.map((scenario) => openTwins(store, open, scenario)))
  }

  async function expectGone(all: Twins[]): Promise<void> {
    await Promise.all(
      all.map(({ scenario, act }) => expect(act(), scenario.what).rejects.toMatchObject(GONE)),
    )
  }

  async function expectSame(all: Twins[]): Promise<void> {
    const comparing = all.map(async ({ scenario, queue, twin, act, actOfTwin }) => {
      expect(await act(), scenario.what).toEqual(await actOfTwin())
      expect(await stateOf(store, queue, scenario), scenario.what).toEqual(
        await stateOf(store, twin, scenario),
      )
    })
    await Promise.all(comparing)
  }

  test("with its data: what was told is still so, and every mutation is done once, then", async () => {
    const all = await openAll()
    const before = await Promise.all(all.map(({ queue, scenario }) => stateOf(store, queue, scenario)))
    await store.kill()
    await expectGone(all)
    await store.start("kept")
    expect(await Promise.all(all.map(({ queue, scenario }) => stateOf(store, queue, scenario)))).toEqual(
      before,
    )
    await expectSame(all)
    recordFault({
      ...{ table: "rest", fault: "store killed before a mutation, back with its data", tried: all.length },
      seen: "503 store_unavailable; done once when repeated",
    })
  })

  test("with its data, after it had executed what it never answered: a repetition changes nothing", async () => {
    // What is another operation when it is repeated takes what is left.
    const all = (await openAll()).filter(({ scenario }) => !scenario.isNewWhenRepeated)
    store.bridge.faults.inject({ fault: "reset", when: "after" })
    await expectGone(all)
    store.bridge.faults.clear()
    await store.kill()
    await store.start("kept")
    await expectSame(all)
    recordFault({
      table: "rest",
      fault: "store killed between execution and answer, back with its data",
      tried: all.length,
      seen: "503 store_unavailable; nothing changed when repeated",
    })
  })

  test("without its data: it is told truly that nothing is known, and the queue goes on", async () => {
    const all = await openAll()
    const told = await Promise.all(all.map(({ actOfTwin }) => actOfTwin()))
    await store.kill()
    await expectGone(all)
    await store.start("lost")
    const asking = all.map(async ({ scenario, queue, act }, i) => {
      const expected = "afterLoss" in scenario ? scenario.afterLoss : told[i]
      expect(await act(), scenario.what).toEqual(expected)
      expect(findLeaks(await readRawQueue(store.redis, queue.name), queue.clock()), scenario.what).toEqual([])
      await expectUsable(queue, scenario.what)
    })
    await Promise.all(asking)
    recordFault({
      ...{ table: "rest", fault: "store killed, back without its data", tried: all.length },
      seen: "503 store_unavailable, then as on an empty queue: 404, false, gone",
    })
  })

  /** It takes, hands out and settles, and its figures are true. */
  async function expectUsable(queue: TestQueue, what: string): Promise<void> {
    await queue.setPaused("openai", false)
    const request = queue.newRequest({ priority: "critical" })
    expect(await queue.enqueue([request]), what).toMatchObject([{ state: "pending" }])
    const claimed = (await queue.take()).requests.find(
      ({ head }) => head.requestId === request.head.requestId,
    )
    if (claimed === undefined) throw new Error(`${what}: nothing is handed out any more`)
    expect(await queue.settle([settlement(claimed, "completed")]), what).toEqual(["settled"])
    const raw = await readRawQueue(store.redis, queue.name)
    const { counts } = await queue.stats()
    expect(counts.completed, what).toBe(raw.outcomes.size)
    expect(counts.pending + counts.processing + counts.scheduled, what).toBe(raw.live.size)
    expect((await queue.health()).status, what).toBe("ok")
    expect(findLeaks(raw, queue.clock()), what).toEqual([])
  }
})
