import { afterEach, beforeEach, expect, test } from "vitest"
import { type Collector, startCollector, treeOf } from "../helpers/collector.ts"
import { eventually } from "../helpers/eventually.ts"
import { MESSAGES } from "../library/suite.ts"
import { describeWorkers } from "./suite.ts"

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
const SPAN_ID = "00f067aa0ba902b7"
const TRACEPARENT = `00-${TRACE_ID}-${SPAN_ID}-01`
const LIFE = ["stored", "waited", "chat gpt-5", "settled"]

describeWorkers("traces in Node", (scene) => {
  let collector: Collector
  beforeEach(async () => {
    collector = await startCollector()
  })
  afterEach(async () => {
    await collector.close()
    expect(collector.problems).toEqual([])
  })

  test("are the library's and a worker's together, and a stop sends what is left", async () => {
    const s = await scene({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    const id = await s.queue.enqueue("openai", "gpt-5", MESSAGES, { traceparent: TRACEPARENT })
    await eventually(() => collector.ofRequest(id).length === 1)
    const [worker] = await s.start(1)
    await s.ended([id])
    await worker?.stop()
    expect(treeOf(collector.ofRequest(id), SPAN_ID)).toEqual([LIFE])
    const [called] = s.simulator.bodies
    const span = collector.ofRequest(id).find(({ kind }) => kind === 3)
    expect(called?.headers.traceparent).toBe(`00-${TRACE_ID}-${span?.spanId}-01`)
    const told = s.lines.filter(({ fields }) => fields.requestId === id)
    expect(told.map(({ event }) => event)).toEqual(["claimed", "attempt", "settled"])
    for (const { fields } of told) expect(fields.traceId).toBe(TRACE_ID)
  })

  test("are made of what a process dequeues and settles by itself", async () => {
    const { queue } = await scene({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    const ids = await queue.enqueueMany(
      [1, 2].map(() => ({ provider: "openai", model: "gpt-5", messages: MESSAGES })),
      { traceparent: TRACEPARENT },
    )
    const [first, second] = await queue.dequeueMany(2)
    await queue.complete(first?.requestId ?? "", "An answer.")
    await queue.fail(second?.requestId ?? "", { code: "provider_rejected", message: "No.", retryable: false })
    await eventually(() => ids.every((id) => collector.ofRequest(id).length === 4))
    expect(treeOf(collector.spans, SPAN_ID)).toEqual([LIFE, LIFE])
    const ends = collector.spans.filter(({ name }) => name === "settled")
    expect(ends.map(({ attributes }) => attributes["aiq.state"]).sort()).toEqual(["completed", "failed"])
  })

  test("do not begin by what is no traceparent, which is no mistake either", async () => {
    const s = await scene()
    const id = await s.queue.enqueue("openai", "gpt-5", MESSAGES, { traceparent: "nonsense" })
    await s.start(1)
    await s.ended([id])
    expect(s.simulator.bodies[0]?.headers).not.toHaveProperty("traceparent")
    expect(s.lines.filter(({ fields }) => fields.traceId !== undefined)).toEqual([])
  })
})
