import { expect, test } from "vitest"
import { countCommands } from "../helpers/count.ts"
import { eventually } from "../helpers/eventually.ts"
import { describeWorkers } from "./suite.ts"

const texts = (count: number, directive = "") =>
  Array.from({ length: count }, (_, i) => `ask ${i} ${directive}`)

describeWorkers("workers and their store", (scene, kind) => {
  test("a store that is away for seconds under load costs no answer, no second call, and no worker", async () => {
    const s = await scene()
    const workers = await s.start(2, { concurrency: 4 })
    const codes = new Set<string>()
    for (const worker of workers) worker.on("error", ({ code }) => codes.add(code))
    const ids = await s.enqueue(...texts(80, "[[sim: latencyMs=150]]"))
    await eventually(() => workers.every((worker) => worker.getStats().processed >= 4))
    await eventually(() => workers.every((worker) => worker.getStats().inFlight >= 3))

    const remove = s.store.bridge.faults.inject({ fault: "status", status: 503 })
    // Answers come while nobody can take them, and all claims are given up.
    await eventually(() => s.simulator.calls.every(({ result }) => result === "completed"))
    const failed = () => s.lines.filter(({ event }) => event === "store_failed").length
    await eventually(() => failed() >= 6, { withinMs: 30_000 })
    const called = s.simulator.calls.length
    expect(called).toBeLessThan(80)
    remove()

    // What was leased by a claim whose bodies could not be read any more comes back when its lease ends, uncalled.
    const statuses = await s.ended(ids, "completed", 130_000)
    const results = statuses.map(({ attempts }) => attempts.map(({ result }) => result))
    for (const each of results)
      expect(each.filter((result) => result !== "lease_expired")).toEqual(["completed"])
    expect(s.calledWith().toSorted()).toEqual(
      texts(80)
        .map((text) => text.trim())
        .toSorted(),
    )
    expect([...codes]).toEqual(["store_unavailable"])
    expect(s.lines.filter(({ event }) => event === "answer_lost")).toEqual([])
  }, 180_000)

  test("answers of the store that get lost lose and double nothing", async () => {
    const s = await scene()
    const [worker] = await s.start(1, { concurrency: 3 })
    const ids = await s.enqueue(...texts(40, "[[sim: latencyMs=10]]"))
    const remove = s.store.bridge.faults.inject({ fault: "drop", when: "after", every: 5 })
    await eventually(() => worker?.getStats().processed === 40, { withinMs: 40_000 })
    remove()
    const statuses = await s.ended(ids)
    expect(statuses.map(({ attempts }) => attempts.length)).toEqual(ids.map(() => 1))
    expect(s.simulator.calls).toHaveLength(40)
  }, 60_000)

  test("a store that is not there yet is waited for", async () => {
    const s = await scene()
    const ids = await s.enqueue("early")
    const remove = s.store.bridge.faults.inject({ fault: "drop", when: "before" })
    const [worker] = await s.start(1)
    // The drain has given up; from then on it is looked for.
    await eventually(() => s.lines.filter(({ event }) => event === "store_failed").length >= 3, {
      withinMs: 30_000,
    })
    remove()
    await s.ended(ids)
    expect(worker?.getStats()).toMatchObject({ processed: 1, lastError: { code: "store_unavailable" } })
  }, 60_000)

  test("an answer that cannot be saved before the worker must end is told of", async () => {
    const s = await scene()
    const [worker] = await s.start(1, { maxProcessingTime: 1500 })
    const codes: string[] = []
    worker?.on("error", ({ code }) => codes.push(code))
    const [id = ""] = await s.enqueue("lost [[sim: latencyMs=200]]")
    await eventually(() => s.simulator.calls.length === 1)
    const remove = s.store.bridge.faults.inject({ fault: "status", status: 503 })
    await worker?.stop()
    await eventually(() => codes.includes("answer_lost"))
    expect(s.lines.find(({ event }) => event === "answer_lost")?.fields).toMatchObject({ requestId: id })
    remove()
    // Its lease runs out, and somebody else calls again.
    expect(await s.status(id)).toMatchObject({ state: "processing" })
  }, 30_000)

  test.runIf(kind === "redis")("idle, three workers cost one command a look", async () => {
    const s = await scene()
    await s.start(3)
    await s.ended(await s.enqueue("warm up"))
    let looks = 0
    const { total, byName } = await countCommands(s.store.redis, async () => {
      const before = s.store.bridge.counters.requests
      await eventually(() => s.store.bridge.counters.requests >= before + 20, { withinMs: 20_000 })
      looks = s.store.bridge.counters.requests - before
    })
    expect(Object.keys(byName)).toEqual(["hmget"])
    expect(Math.abs(total - looks)).toBeLessThanOrEqual(1)
  })
})
