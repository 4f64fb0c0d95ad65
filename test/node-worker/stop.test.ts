import { expect, test } from "vitest"
import { eventually } from "../helpers/eventually.ts"
import { describeWorkers } from "./suite.ts"

const texts = (count: number, directive: string) =>
  Array.from({ length: count }, (_, i) => `ask ${i} ${directive}`)

describeWorkers("stopping workers", (scene) => {
  test("what is in work is finished, nothing else is begun, nothing is lost, and it can start again", async () => {
    const s = await scene()
    const [worker] = await s.start(1, { concurrency: 4 })
    const ids = await s.enqueue(...texts(40, "[[sim: latencyMs=60]]"))
    await eventually(() => (worker?.getStats().processed ?? 0) >= 8)
    const stopped = [worker?.stop(), worker?.stop()]
    expect(worker?.getStats().state).toBe("stopping")
    await Promise.all(stopped)
    await worker?.stop()

    const calls = s.simulator.calls.length
    expect(s.simulator.calls.map(({ result }) => result)).toEqual(Array(calls).fill("completed"))
    const states = (await s.statuses(ids)).map((status) => status?.state)
    expect(states.filter((state) => state === "completed")).toHaveLength(calls)
    expect(states.filter((state) => state === "pending")).toHaveLength(40 - calls)
    expect(calls).toBeLessThan(40)
    expect(worker?.getStats()).toMatchObject({ state: "stopped", inFlight: 0, uptimeMs: 0 })

    await worker?.start()
    await s.ended(ids)
    expect(s.simulator.calls).toHaveLength(40)
  }, 30_000)

  test("what takes longer than maxProcessingTime is broken off, and its lease given back", async () => {
    const s = await scene()
    const [worker] = await s.start(1, { maxProcessingTime: 1000 })
    const [slow = "", quick = ""] = await s.enqueue("slow [[sim: latencyMs=20000 times=1]]", "quick")
    await s.ended([quick])
    const before = Date.now()
    await worker?.stop()
    // Not the length of the call, nor that of the lease.
    expect(Date.now() - before).toBeLessThan(10_000)
    expect(s.lines.filter(({ event }) => event === "answer_lost")).toEqual([])
    expect(await s.status(slow)).toMatchObject({
      state: "pending",
      error: { code: "lease_expired" },
      attempts: [{ number: 1, result: "lease_expired", provider: "openai", possiblyBilled: true }],
    })
    await eventually(() => s.simulator.calls[0]?.result === "aborted")

    await s.start(1)
    const [again] = await s.ended([slow])
    expect(again?.attempts.map(({ result }) => result)).toEqual(["lease_expired", "completed"])
    // Neither a retry, nor a lease that was lost.
    expect(await s.queue.getQueueStats()).toMatchObject({ throughput: { retriedLastMinute: 0 } })
  }, 30_000)

  test("a processor that minds no signal holds nobody up", async () => {
    const s = await scene()
    const [worker] = await s.start(1, { maxProcessingTime: 1000, processor: () => new Promise(() => {}) })
    const [id = ""] = await s.enqueue("never")
    await eventually(() => worker?.getStats().inFlight === 1)
    await worker?.stop()
    expect(await s.status(id)).toMatchObject({ state: "pending", attempts: [{ result: "lease_expired" }] })
  })

  test("a paused worker, and one that rests, stop at once", async () => {
    const s = await scene()
    const [paused, resting] = await s.start(2)
    paused?.pause()
    await eventually(() => [paused, resting].every((worker) => worker?.getStats().inFlight === 0))
    await Promise.all([paused?.stop(), resting?.stop()])
    expect([paused?.getStats().state, resting?.getStats().state]).toEqual(["stopped", "stopped"])
  })
})
