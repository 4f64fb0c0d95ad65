import { expect, it } from "vitest"
import { startCollector, treeOf } from "../helpers/collector.ts"
import { eventually } from "../helpers/eventually.ts"
import { chat } from "../helpers/requests.ts"
import { ADMIN_KEY, createCheckout, startStack } from "../helpers/stack.ts"

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
const SPAN_ID = "00f067aa0ba902b7"

it("a request's trace is whole, from the API's Worker and the lane that drains, and its lines name it", async () => {
  const collector = await startCollector()
  const checkout = createCheckout("embedded")
  const stack = await startStack(checkout, {
    ...{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: "x-team=a%20secret" },
    ...{ DEV_CRON_MS: "3600000", RETRY_BASE_MS: "1", DEBUG: "1" },
  })
  try {
    const answer = await fetch(`${stack.url}/v1/requests`, {
      method: "POST",
      headers: {
        ...{ authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" },
        traceparent: `00-${TRACE_ID}-${SPAN_ID}-01`,
      },
      body: JSON.stringify(chat("openai", "traced [[sim: error=overloaded times=1]]")),
    })
    expect(answer.status).toBe(202)
    const { requestId } = (await answer.json()) as { requestId: string }
    await eventually(() => collector.ofRequest(requestId).length >= 6, { withinMs: 60_000 })
    const spans = collector.ofRequest(requestId)
    expect(treeOf(spans, SPAN_ID)).toEqual([
      ["stored", "waited", "chat a-model", "waited", "chat a-model", "settled"],
    ])
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE_ID]))
    expect(collector.exports[0]?.headers["x-team"]).toBe("a secret")
    expect(collector.problems).toEqual([])

    const lines = () =>
      [...stack.output.matchAll(/\{"level":.*?\}/g)]
        .map(([line]) => JSON.parse(line) as Record<string, unknown>)
        .filter((line) => line.requestId === requestId)
    await eventually(() => lines().some(({ event }) => event === "settled"))
    expect(lines().map(({ event }) => event)).toEqual([
      ...["stored", "claimed", "attempt", "claimed", "attempt", "settled"],
    ])
    for (const line of lines()) expect(line).toMatchObject({ traceId: TRACE_ID, organizationId: "e2e" })
    expect(stack.output).not.toContain("a secret")
  } finally {
    await stack.stop()
    await checkout.remove()
    await collector.close()
  }
})
