import { afterEach, beforeEach, expect, it } from "vitest"
import type { LogFields } from "../../src/core/log.ts"
import { SpanExporter } from "../../src/tracing/exporter.ts"
import type { Span } from "../../src/tracing/otlp.ts"
import { type Collector, startCollector } from "../helpers/collector.ts"
import { createTestClock } from "../helpers/queue.ts"

const START = 1_795_500_000_000
/** As the exporter has it. */
const ROOM = 4096
const PER_EXPORT = 512

let collector: Collector
let clock: ReturnType<typeof createTestClock>
let lines: ({ event: string } & LogFields)[]
let exporter: SpanExporter
beforeEach(async () => {
  collector = await startCollector()
  clock = createTestClock(START)
  lines = []
  exporter = open(collector.url)
})
afterEach(async () => {
  await collector.close()
  expect(collector.problems).toEqual([])
})

function open(url: string, timeoutMs = 20_000): SpanExporter {
  const note = (event: string, fields: LogFields = {}) => void lines.push({ event, ...fields })
  return new SpanExporter({
    settings: {
      url: `${url}/v1/traces`,
      ...{ headers: { "x-team": "a secret" }, serviceName: "a-queue" },
    },
    fetch: (...call) => fetch(...call),
    ...{ clock, log: { info: note, warn: note, error: note }, timeoutMs },
  })
}

const span = (number: number): Span => ({
  ...{ traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: (number + 1).toString(16).padStart(16, "0") },
  ...{ parentSpanId: null, name: `span ${number}`, kind: "internal", isError: false },
  ...{ startedAt: START, endedAt: START + number, attributes: { number } },
})
const add = (count: number, first = 0) => {
  for (let i = 0; i < count; i++) exporter.add(span(first + i))
}
const received = () => collector.spans.map(({ attributes }) => attributes.number)
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

it("sends what has gathered, in order and in batches, as many as it may", async () => {
  add(2 * PER_EXPORT + 10)
  expect(await exporter.flush(1)).toBe(1)
  expect(received()).toEqual(upTo(PER_EXPORT))
  expect(await exporter.flush(9)).toBe(2)
  expect(received()).toEqual(upTo(2 * PER_EXPORT + 10))
  expect(await exporter.flush(9)).toBe(0)
  expect(collector.exports[0]).toMatchObject({ url: "/v1/traces", headers: { "x-team": "a secret" } })
  expect(lines).toEqual([])
})

it("two at a time send each span once", async () => {
  add(3 * PER_EXPORT)
  await Promise.all([exporter.flush(9), exporter.flush(9)])
  expect(received().sort((a, b) => Number(a) - Number(b))).toEqual(upTo(3 * PER_EXPORT))
})

it("is due when many have gathered, or a few for five seconds", () => {
  expect(exporter.isDue).toBe(false)
  add(1)
  expect(exporter.isDue).toBe(false)
  clock.advance(5000)
  expect(exporter.isDue).toBe(true)
  exporter = open(collector.url)
  add(256)
  expect(exporter.isDue).toBe(true)
})

it.each([429, 502, 503, 504])("keeps what a %i puts off, for as long as it says", async (status) => {
  collector.answer({ status, headers: { "retry-after": "7" } })
  add(3)
  expect(await exporter.flush(9)).toBe(1)
  add(1, 3)
  clock.advance(6999)
  expect(await exporter.flush(9)).toBe(0)
  expect(exporter.isDue).toBe(false)
  clock.advance(1)
  await exporter.flush(9)
  expect(received()).toEqual(upTo(4))
  expect(lines).toEqual([{ event: "spans_not_sent", reason: String(status), waiting: 3 }])
})

it("leaves a collector alone ever longer that is away, and says so once", async () => {
  collector.always("hang up")
  add(3)
  const asked: number[] = []
  for (let s = 0; s < 700; s++) {
    if ((await exporter.flush(9)) > 0) asked.push(s)
    clock.advance(1000)
  }
  expect(asked).toEqual([0, 5, 15, 35, 75, 155, 315, 615])
  expect(lines).toHaveLength(1)
  collector.always({ status: 200 })
  clock.advance(300_000)
  await exporter.flush(9)
  expect(received()).toEqual(upTo(3))
  // The next trouble is another.
  collector.answer("hang up")
  add(1, 3)
  await exporter.flush(9)
  expect(lines).toHaveLength(2)
})

it("takes what meets several exports at a time for one trouble", async () => {
  collector.always("hang up")
  add(8 * PER_EXPORT)
  expect(await Promise.all(Array.from({ length: 8 }, () => exporter.flush(1)))).toEqual(Array(8).fill(1))
  clock.advance(4999)
  expect(await exporter.flush(1)).toBe(0)
  clock.advance(1)
  expect(await exporter.flush(1)).toBe(1)
  expect(lines).toHaveLength(1)
})

it("gives up waiting for one that says nothing, and leaves it alone", async () => {
  exporter = open(collector.url, 100)
  collector.answer("silence")
  add(3)
  expect(await exporter.flush(9)).toBe(1)
  expect(lines).toEqual([{ event: "spans_not_sent", reason: "TimeoutError", waiting: 3 }])
  expect(exporter.isDue).toBe(false)
})

it("is not kept by one whose address leads nowhere", async () => {
  exporter = open("http://127.0.0.1:1")
  add(3)
  expect(await exporter.flush(9)).toBe(1)
  expect(lines).toMatchObject([{ event: "spans_not_sent", waiting: 3 }])
})

it.each([400, 401, 404, 413, 500])(
  "does not repeat what a %i refuses, and tells the count later",
  async (status) => {
    collector.answer({ status, body: "no JSON at all" })
    add(3)
    await exporter.flush(9)
    clock.advance(5000)
    add(1, 3)
    await exporter.flush(9)
    expect(received()).toEqual([3])
    expect(lines).toEqual([
      { event: "spans_not_sent", reason: String(status), waiting: 0 },
      { event: "spans_dropped", count: 3 },
    ])
  },
)

it("follows no redirect: its headers are a secret", async () => {
  const elsewhere = await startCollector()
  collector.answer({ status: 307, headers: { location: `${elsewhere.url}/v1/traces` } })
  add(1)
  await exporter.flush(9)
  expect(elsewhere.exports).toEqual([])
  expect(lines).toMatchObject([{ event: "spans_not_sent", reason: "307" }])
  await elsewhere.close()
})

it.each([
  [
    "as a string, as the mapping says",
    `{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}`,
    2,
  ],
  ["as a number", `{"partialSuccess":{"rejectedSpans":2}}`, 2],
  ["with a warning only", `{"partialSuccess":{"errorMessage":"soon too old"}}`, 0],
  ["not at all", "", 0],
  ["as nobody should", `{"partialSuccess":7}`, 0],
])("a collector that takes a part, and says so %s, is not asked again", async (_, body, count) => {
  collector.answer({ status: 200, body })
  add(3)
  await exporter.flush(9)
  clock.advance(60_000)
  expect(await exporter.flush(9)).toBe(0)
  expect(lines).toEqual(count === 0 ? [] : [{ event: "spans_dropped", count }])
})

it("tells of what is dropped once a minute", async () => {
  const partly = { status: 200, body: `{"partialSuccess":{"rejectedSpans":"1"}}` }
  collector.always(partly)
  for (let s = 0; s < 90; s++) {
    add(2, 2 * s)
    await exporter.flush(9)
    clock.advance(1000)
  }
  expect(lines).toEqual([
    { event: "spans_dropped", count: 1 },
    { event: "spans_dropped", count: 60 },
  ])
})

it("holds no more than there is room for: the oldest stay, and the rest is counted", async () => {
  collector.answer("hang up")
  add(ROOM + 100)
  await exporter.flush(9)
  // Those that were on their way come back.
  add(50, ROOM + 100)
  clock.advance(5000)
  await exporter.flush(99)
  expect(received()).toEqual(upTo(ROOM))
  expect(lines).toMatchObject([{ event: "spans_not_sent" }, { event: "spans_dropped", count: 150 }])
})
