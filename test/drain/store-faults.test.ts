import { expect, test } from "vitest"
import { scriptSha } from "../../dev/script-sha.ts"
import { runDrain } from "../../src/drain/run-drain.ts"
import { Tally } from "../../src/drain/tally.ts"
import { describeScenes, type Scene } from "./scene.ts"

/** Of the store, before it gives an operation up. */
const TRIES = 4

const asks = (count: number, directive = "") =>
  Array.from({ length: count }, (_, i) => ({ text: `ask ${i} ${directive}` }))

/** Has the store know all scripts: an answer that is lost is to be one of a script that ran. */
async function knowingScripts(s: Scene): Promise<string[]> {
  const ids = await s.enqueue(
    ...Array.from({ length: 9 }, (_, i) => ({ text: `first ${i} [[sim: latencyMs=20]]` })),
  )
  await s.drain()
  return ids
}

/** Every request is completed with one attempt, and was called once: nothing is lost, nothing is paid for twice. */
async function expectEachOnce(s: Scene, ids: string[]) {
  const statuses = await s.statuses(ids)
  expect(statuses.map((status) => [status?.state, status?.attempts.length])).toEqual(
    ids.map(() => ["completed", 1]),
  )
  expect(new Set(s.calledWith()).size).toBe(ids.length)
  expect(s.calledWith()).toHaveLength(ids.length)
}

describeScenes("a drain over a store that fails", (scene) => {
  test("answers that get lost lose and double nothing", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "7" })
    const ids = await s.enqueue(...asks(60, "[[sim: latencyMs=5]]"))
    const remove = s.store.bridge.faults.inject({ fault: "drop", when: "after", every: 3 })
    expect(await s.drain()).toMatchObject({ claimed: 60, completed: 60 })
    remove()
    await expectEachOnce(s, ids)
  }, 30_000)

  test("requests that get lost on their way lose and double nothing", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "7" })
    const ids = await s.enqueue(...asks(60, "[[sim: latencyMs=5]]"))
    const remove = s.store.bridge.faults.inject({ fault: "drop", when: "before", probability: 0.25, seed: 7 })
    await s.drain()
    remove()
    await expectEachOnce(s, ids)
  }, 30_000)

  test.each([
    ["that took them", scriptSha("claim")],
    ["with their bodies", "MGET"],
  ])(
    "requests whose claim is given up, its answer %s lost, are called at once all the same",
    async (_, what) => {
      const s = await scene({ DRAIN_CONCURRENCY: "7" })
      const ids = await s.enqueue(...asks(5))
      s.store.bridge.faults.inject({ fault: "drop", when: "after", contains: what, times: TRIES })
      expect(await s.drain()).toMatchObject({ claimed: 5, completed: 5, errors: 1 })
      await expectEachOnce(s, ids)
    },
  )

  test("a claim that is given up beside answers hands out what it took with the next ones", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "3" })
    const before = await knowingScripts(s)
    const ids = await s.enqueue(...asks(30, "[[sim: latencyMs=20]]"))
    s.store.bridge.faults.inject({ fault: "drop", when: "after", contains: scriptSha("turn"), times: TRIES })
    expect(await s.drain()).toMatchObject({ claimed: 30, completed: 30, errors: 1 })
    await expectEachOnce(s, [...before, ...ids])
  })

  test("what a lane has done is counted once, though a claim that told it is given up", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "3" })
    await knowingScripts(s)
    await s.enqueue(...asks(30, "[[sim: latencyMs=20]]"))
    const tally = new Tally()
    const drain = () => runDrain(s.deps, { owner: "lane-0:epoch", concurrency: 3, tally })
    s.store.bridge.faults.inject({ fault: "drop", when: "after", contains: scriptSha("turn"), times: TRIES })
    expect(await drain()).toMatchObject({ completed: 30, errors: 1 })
    // It tells what is left.
    await drain()
    expect(tally.untold).toBeUndefined()
    const { lanes } = await s.queue.stats()
    expect(lanes).toMatchObject([{ completed: 30, errors: 1 }])
  })

  test("an answer is kept until the store is back, and paid for once", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "20" })
    const ids = await s.enqueue(...asks(30, "[[sim: latencyMs=300]]"))
    const draining = s.drain()
    await expect.poll(() => s.simulator.calls.length, { timeout: 5000 }).toBe(20)
    // Until claims have been given up, however often the queue tries by itself.
    const remove = s.store.bridge.faults.inject({ fault: "status", status: 503 })
    const failedClaims = () =>
      s.lines.filter(({ event, fields }) => event === "store_failed" && fields.op !== "settle").length
    await expect.poll(failedClaims, { timeout: 20_000 }).toBeGreaterThanOrEqual(3)
    remove()
    const report = await draining
    expect(report).toMatchObject({ completed: 30 })
    expect(report.errors).toBeGreaterThan(0)
    await expectEachOnce(s, ids)
  }, 40_000)

  test("one answer that the store refuses holds back neither other answers nor new claims", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "4" })
    const [odd = "", ...others] = await s.enqueue(
      { text: 'odd [[sim: text="cannot be stored"]]' },
      ...asks(20),
    )
    const remove = s.store.bridge.faults.inject({
      fault: "status",
      status: 500,
      contains: "cannot be stored",
    })
    const draining = s.drain()
    await expect
      .poll(async () => new Set(await s.states(others)), { timeout: 30_000, interval: 200 })
      .toEqual(new Set(["completed"]))
    expect(await s.states([odd])).toEqual(["processing"])
    remove()
    expect(await draining).toMatchObject({ completed: 21 })
    await expectEachOnce(s, [odd, ...others])
  }, 60_000)

  test("a store that stays away ends the drain, which does not throw", async () => {
    const s = await scene()
    s.store.bridge.faults.inject({ fault: "drop", when: "before" })
    const report = await s.drain()
    expect(report).toMatchObject({ claimed: 0, errors: 3 })
    // A lane looks again by itself.
    expect(report.wakeAt).toBeGreaterThan(Date.now())
    expect(s.lines.map(({ event }) => event)).toEqual([
      "store_failed",
      "store_failed",
      "store_failed",
      "drain",
    ])
  }, 40_000)
})
