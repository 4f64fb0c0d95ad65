import { describe, expect, it } from "vitest"
import { type ReceivedSpan, treeOf } from "../helpers/collector.ts"
import { eventually } from "../helpers/eventually.ts"
import { requestBody, SPAN_ID, TRACE_ID, TRACEPARENT, tracedWorkers } from "./suite.ts"

const suite = tracedWorkers()

const named = (spans: ReceivedSpan[], name: string) => spans.filter((span) => span.name === name)

/** One trace, in which each span has a place beneath the caller's. */
function expectTree(spans: ReceivedSpan[], parent: string | null, tree: unknown[]): void {
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length)
  expect(treeOf(spans, parent)).toEqual(tree)
}

describe("spans of a request", () => {
  it("that fails once, is retried and completed are one tree beneath its caller's span", async () => {
    const { enqueue, drainUntil } = suite.open()
    const id = await enqueue(
      "again [[sim: error=overloaded times=1]]",
      { priority: "high" },
      { traceparent: TRACEPARENT },
    )
    await drainUntil(id, "completed")
    const spans = await suite.spansOf(id, 6)
    const lives = ["waited", "chat gpt-5", "waited", "chat gpt-5", "settled"]
    expectTree(spans, SPAN_ID, [["stored", ...lives]])
    expect(spans[0]?.traceId).toBe(TRACE_ID)
    expect(spans.map(({ service }) => service)).toEqual(spans.map(() => "ai-request-queue"))

    const [stored] = named(spans, "stored")
    const common = {
      ...{ "aiq.request_id": id, "aiq.organization_id": "org-1" },
      ...{ "aiq.priority": "high", "aiq.line": "openai" },
    }
    expect(stored).toMatchObject({ kind: 4, isError: false, attributes: common })
    const [failed, answered] = named(spans, "chat gpt-5")
    expect(failed).toMatchObject({ kind: 3, isError: true })
    expect(failed?.attributes).toMatchObject({
      ...common,
      ...{ "aiq.attempt": 1, "aiq.result": "retry", "error.type": "provider_overloaded" },
      ...{ "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai" },
      ...{ "gen_ai.request.model": "gpt-5", "server.address": "127.0.0.1" },
    })
    expect(failed?.attributes["http.response.status_code"]).toBeGreaterThanOrEqual(500)
    expect(failed?.attributes).not.toHaveProperty("gen_ai.response.id")
    expect(answered).toMatchObject({ kind: 3, isError: false })
    expect(answered?.attributes).toMatchObject({
      ...common,
      ...{ "aiq.attempt": 2, "aiq.result": "completed", "http.response.status_code": 200 },
      ...{ "gen_ai.response.model": "gpt-5", "gen_ai.response.finish_reasons": ["stop"] },
      ...{ "gen_ai.response.id": expect.any(String) },
      ...{ "gen_ai.usage.input_tokens": expect.any(Number), "gen_ai.usage.output_tokens": 5 },
    })
    expect(named(spans, "settled")[0]).toMatchObject({
      ...{ kind: 1, isError: false },
      attributes: { "aiq.state": "completed", "aiq.attempt": 2 },
    })
    // Each begins where what comes before it has ended.
    for (const waited of named(spans, "waited")) {
      const number = waited.attributes["aiq.attempt"]
      const called = spans.find(({ kind, attributes }) => kind === 3 && attributes["aiq.attempt"] === number)
      expect(called?.startMs).toBeGreaterThanOrEqual(waited.endMs)
    }
    expect(named(spans, "waited")[1]?.startMs).toBeGreaterThanOrEqual(failed?.endMs ?? Number.NaN)
  })

  it("without a caller's are a trace of its own, whose first span is its storing", async () => {
    const { enqueue, drainUntil } = suite.open({ OTEL_SERVICE_NAME: "a-queue" })
    const id = await enqueue("hello", {}, { traceparent: TRACEPARENT.replace("-00f0", "-00F0") })
    await drainUntil(id, "completed")
    const spans = await suite.spansOf(id, 4)
    expectTree(spans, null, [["stored", "waited", "chat gpt-5", "settled"]])
    expect(spans[0]).toMatchObject({ service: "a-queue", traceId: expect.not.stringContaining(TRACE_ID) })
  })

  it("that its caller cancels end with it", async () => {
    const { enqueue, call } = suite.open()
    const id = await enqueue("never", { delayMs: 600_000 }, { traceparent: TRACEPARENT })
    await call("DELETE", `/v1/requests/${id}`)
    // Again: the same span, were it to be sent once more.
    await call("DELETE", `/v1/requests/${id}`)
    const spans = await suite.spansOf(id, 2)
    expect(treeOf([...new Map(spans.map((span) => [span.spanId, span])).values()], SPAN_ID)).toEqual([
      ["stored", "settled"],
    ])
    expect(named(spans, "settled")[0]?.attributes).toMatchObject({ "aiq.state": "cancelled" })
    expect(named(spans, "stored")[0]?.attributes).toHaveProperty(["aiq.scheduled_at"])
  })

  it("whose call times out tell so", async () => {
    const { enqueue, drainUntil } = suite.open()
    const id = await enqueue("silent [[sim: fault=stall_headers]]", { timeoutMs: 1000, maxRetries: 0 })
    await drainUntil(id, "failed")
    const spans = await suite.spansOf(id, 4)
    expectTree(spans, null, [["stored", "waited", "chat gpt-5", "settled"]])
    const [called] = named(spans, "chat gpt-5")
    expect(called).toMatchObject({
      isError: true,
      attributes: { "error.type": "timeout", "aiq.possibly_billed": 1 },
    })
    expect(called?.attributes).not.toHaveProperty("http.response.status_code")
    expect(named(spans, "settled")[0]).toMatchObject({
      isError: true,
      attributes: { "aiq.state": "failed", "error.type": "timeout" },
    })
  })

  it("that ends without a call have no attempt", async () => {
    const { enqueue, drainUntil, services } = suite.open()
    await services.queue.setPaused(null, true)
    const id = await enqueue("too late", { deadlineAt: Date.now() + 300 })
    await drainUntil(id, "failed")
    const spans = await suite.spansOf(id, 2)
    expectTree(spans, null, [["stored", "settled"]])
    expect(named(spans, "settled")[0]?.attributes).toMatchObject({ "error.type": "deadline_exceeded" })
  })

  it("that is replayed go on in the same trace", async () => {
    const { enqueue, call, drainUntil } = suite.open()
    const id = await enqueue("no [[sim: error=rejected times=1]]", {}, { traceparent: TRACEPARENT })
    await drainUntil(id, "failed")
    await call("POST", `/v1/requests/${id}/replay`)
    await drainUntil(id, "completed")
    const spans = await suite.spansOf(id, 7)
    const life = ["waited", "chat gpt-5", "settled"]
    expectTree(spans, SPAN_ID, [["stored", ...life, ...life]])
    expect(named(spans, "settled").map(({ attributes }) => attributes["aiq.state"])).toEqual([
      ...["failed", "completed"],
    ])
    expect(named(spans, "chat gpt-5").map(({ attributes }) => attributes["aiq.attempt"])).toEqual([1, 2])
  })

  it("of a bulk hang beneath its caller's span, each on its own", async () => {
    const { call, drainUntil } = suite.open()
    const requests = ["one", "two", "three"].map((text) => requestBody(text))
    const stored = await call("POST", "/v1/requests/bulk", { requests }, { traceparent: TRACEPARENT })
    const ids: string[] = stored.requests.map(({ requestId }: { requestId: string }) => requestId)
    for (const id of ids) await drainUntil(id, "completed")
    const spans = (await Promise.all(ids.map((id) => suite.spansOf(id, 4)))).flat()
    const life = ["stored", "waited", "chat gpt-5", "settled"]
    expectTree(spans, SPAN_ID, [life, life, life])
  })

  it("of a call that is repeated under its Idempotency-Key are sent once", async () => {
    const { enqueue, drainUntil } = suite.open()
    const headers = { "idempotency-key": "once", traceparent: TRACEPARENT }
    const id = await enqueue("once", {}, headers)
    expect(await enqueue("once", {}, { ...headers, traceparent: TRACEPARENT.replace(/7-01/, "8-01") })).toBe(
      id,
    )
    await drainUntil(id, "completed")
    const last = await enqueue("last")
    await drainUntil(last, "completed")
    await suite.spansOf(last, 4)
    expectTree(suite.collector.ofRequest(id), SPAN_ID, [["stored", "waited", "chat gpt-5", "settled"]])
  })
})

describe("who decides what is traced", () => {
  it("the caller: its unsampled trace makes no span, and goes on as it is", async () => {
    const { enqueue, drainUntil, lines } = suite.open()
    const unsampled = TRACEPARENT.replace(/01$/, "00")
    const id = await enqueue("unsampled", {}, { traceparent: unsampled })
    await drainUntil(id, "completed")
    const last = await enqueue("sampled")
    await drainUntil(last, "completed")
    await suite.spansOf(last, 4)
    expect(suite.collector.ofRequest(id)).toEqual([])
    expect(headersOf("unsampled").traceparent).toBe(unsampled)
    expect(lines.find(({ event, requestId }) => event === "stored" && requestId === id)?.traceId).toBe(
      TRACE_ID,
    )
  })

  it("the ratio, of traces that begin here: at 0 none does, and nothing is sent along", async () => {
    const { enqueue, drainUntil } = suite.open({ OTEL_TRACES_SAMPLER_ARG: "0" })
    const id = await enqueue("ratio of nothing")
    const called = await enqueue("of a caller", {}, { traceparent: TRACEPARENT })
    for (const each of [id, called]) await drainUntil(each, "completed")
    await suite.spansOf(called, 4)
    expect(suite.collector.ofRequest(id)).toEqual([])
    expect(headersOf("ratio of nothing")).not.toHaveProperty("traceparent")
  })

  it("without a collector a caller's trace goes through unchanged, and nothing begins by itself", async () => {
    const { enqueue, drainUntil, services, lines } = suite.open({ OTEL_EXPORTER_OTLP_ENDPOINT: undefined })
    expect(services.tracing).toBeNull()
    const exports = suite.collector.exports.length
    const id = await enqueue("passing through", {}, { traceparent: TRACEPARENT })
    const bare = await enqueue("without a trace")
    for (const each of [id, bare]) await drainUntil(each, "completed")
    expect(headersOf("passing through").traceparent).toBe(TRACEPARENT)
    expect(headersOf("without a trace")).not.toHaveProperty("traceparent")
    expect(lines.filter(({ requestId, traceId }) => requestId === bare && traceId !== undefined)).toEqual([])
    expect(suite.collector.exports.length).toBe(exports)
  })
})

describe("a provider's call", () => {
  it("carries the attempt's span, each its own", async () => {
    const { enqueue, drainUntil } = suite.open()
    const id = await enqueue("twice [[sim: error=overloaded times=1]]", {}, { traceparent: TRACEPARENT })
    await drainUntil(id, "completed")
    const spans = named(await suite.spansOf(id, 6), "chat gpt-5")
    const sent = suite.simulator.bodies
      .filter(({ body }) => JSON.stringify(body).includes("twice"))
      .map(({ headers }) => headers.traceparent)
    expect(sent).toEqual(spans.map(({ spanId }) => `00-${TRACE_ID}-${spanId}-01`))
  })

  it.each([
    ["the action API", "/api/ai/queue", (text: string) => requestBody(text)],
    ["a bulk", "/v1/requests/bulk", (text: string) => ({ requests: [requestBody(text)] })],
    ["OpenAI's chat", "/v1/chat/completions", chat("openai/gpt-5")],
    [
      "OpenAI's responses",
      "/v1/responses",
      (text: string) => ({ model: "openai/gpt-5", input: text, store: false }),
    ],
    [
      "Anthropic's messages",
      "/v1/messages",
      (text: string) => ({ ...chat("openai/gpt-5")(text), max_tokens: 9 }),
    ],
  ])("carries the trace of a call of %s", async (_, path, body) => {
    const { call, services } = suite.open()
    const text = `by ${path}`
    const headers = { traceparent: TRACEPARENT, prefer: "respond-async" }
    await call("POST", path, body(text), headers)
    await eventually(async () => {
      await services.tick()
      return suite.simulator.bodies.some((each) => JSON.stringify(each.body).includes(text))
    })
    expect(headersOf(text).traceparent).toMatch(new RegExp(`^00-${TRACE_ID}-(?!${SPAN_ID})[0-9a-f]{16}-01$`))
  })
})

function chat(model: string) {
  return (text: string) => ({ model, messages: [{ role: "user", content: text }] })
}

function headersOf(text: string): Record<string, string> {
  const call = suite.simulator.bodies.find(({ body }) => JSON.stringify(body).includes(text))
  if (call === undefined) throw new Error(`nobody was called with ${text}`)
  return call.headers
}
