import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { Tracing } from "../../src/core/tracing.ts"
import { type Collector, startCollector } from "../helpers/collector.ts"
import { eventually } from "../helpers/eventually.ts"
import { deciding } from "./deciding.ts"
import { describeScenes } from "./scene.ts"

/** Spans that are always due, and a collector that takes its time until it is let go. */
function held() {
  let exports = 0
  let letGo: () => void = () => undefined
  const tracing: Tracing = {
    begin: () => "",
    stored: () => {},
    called: () => {},
    ended: () => {},
    isDue: true,
    flush: () => {
      exports += 1
      return new Promise((resolve) => {
        letGo = () => resolve(1)
      })
    },
    flushSoon: () => Promise.resolve(),
  }
  return {
    tracing,
    get exports() {
      return exports
    },
    letGo: async () => {
      letGo()
      // The slot is given back in the promises behind it.
      for (let i = 0; i < 5; i++) await Promise.resolve()
    },
  }
}

describe("spans beside a drain", () => {
  test("are sent one export at a time, for a tenth of its subrequests at most", async () => {
    const collector = held()
    const { drain } = deciding({ subrequestLimit: 50, tracing: collector.tracing })
    for (let i = 0; i < 20; i++) {
      drain.sendSpans()
      drain.sendSpans()
      await Promise.resolve()
      expect(collector.exports).toBe(Math.min(i + 1, 5))
      await collector.letGo()
    }
    expect(drain.budget.spare({ uncalled: 0, running: 0, unsettledTrips: 0 })).toBe(50 - 5 - 5)
  })

  test("take nothing that calls and their settling need", async () => {
    const collector = held()
    const { drain, hold } = deciding({ subrequestLimit: 50, tracing: collector.tracing })
    while (drain.budget.spare({ uncalled: drain.hand.uncalled, running: 0, unsettledTrips: 0 }) >= 1) hold()
    drain.sendSpans()
    await Promise.resolve()
    expect(collector.exports).toBe(0)
  })

  test("take no connection of a provider, and of the store's the one that is left, behind all else", async () => {
    const collector = held()
    const { drain } = deciding({ tracing: collector.tracing })
    const free = drain.slots.free
    const release = await drain.storeSlots.acquire()
    drain.sendSpans()
    const order: string[] = []
    const other = drain.storeSlots.acquire().then((done) => {
      order.push("a lease", String(collector.exports))
      done()
    })
    release()
    await other
    await Promise.resolve()
    expect(order).toEqual(["a lease", "0"])
    expect([collector.exports, drain.slots.free]).toEqual([1, free])
  })
})

describeScenes("a traced drain", (scene) => {
  let collector: Collector
  beforeEach(async () => {
    collector = await startCollector()
  })
  afterEach(async () => {
    await collector.close()
    expect(collector.problems).toEqual([])
  })

  test("with 50 subrequests uses no more of them, spans included, and strands nothing", async () => {
    const s = await scene({ SUBREQUEST_LIMIT: "50", OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    const { tracing } = s.deps
    if (tracing == null) throw new Error("nothing is traced")
    s.deps.tracing = Object.create(tracing, { isDue: { get: () => true } })
    const ids = await s.enqueue(...Array.from({ length: 30 }, (_, i) => ({ text: `traced ${i}` })))
    let drains = 0
    for (let done = 0; done < 30 && drains < 10; drains += 1) {
      s.store.bridge.counters.reset()
      const before = s.simulator.calls.length + collector.exports.length
      const report = await s.drain(`tick-${drains}`)
      const { requests } = s.store.bridge.counters
      const spent = requests + s.simulator.calls.length + collector.exports.length - before
      expect(spent).toBeLessThanOrEqual(50)
      done += report.completed
    }
    expect(new Set(await s.states(ids))).toEqual(new Set(["completed"]))
    await tracing.flush(99)
    // waited, the call and settled, each once.
    await eventually(() => new Set(collector.spans.map(({ spanId }) => spanId)).size === 3 * ids.length)
    expect(collector.exports.length).toBeGreaterThan(1)
  }, 60_000)

  test("tells of a call whose request is cancelled meanwhile, but not of the end", async () => {
    const s = await scene({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    const [id = ""] = await s.enqueue({ text: "slow [[sim: latencyMs=300]]" })
    const draining = s.drain("first")
    await eventually(() => s.simulator.inFlight.openai === 1)
    await s.queue.cancel(id, null)
    await draining
    await s.deps.tracing?.flush(9)
    const calls = () => collector.ofRequest(id).filter(({ kind }) => kind === 3)
    await eventually(() => calls().length > 0)
    expect(calls()).toHaveLength(1)
    expect(calls()[0]?.attributes).toMatchObject({ "aiq.attempt": 1 })
    // It was cancelled by whoever cancelled it, who tells of that.
    expect(collector.ofRequest(id).filter(({ name }) => name === "settled")).toEqual([])
  })
})
