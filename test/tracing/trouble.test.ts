import { describe, expect, it } from "vitest"
import type { Answer } from "../helpers/collector.ts"
import { tracedWorkers } from "./suite.ts"

const suite = tracedWorkers()

const TROUBLE: [string, Answer][] = [
  ["says nothing", "silence"],
  ["hangs up", "hang up"],
  ["is too busy", { status: 429, headers: { "retry-after": "60" } }],
  ["is away", { status: 503 }],
  ["refuses the key", { status: 401 }],
  ["takes a part", { status: 200, body: `{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}` }],
  ["says what nobody understands", { status: 200, body: "<html>" }],
]

describe("a collector that", () => {
  it.each(TROUBLE)("%s: every request is taken, called once and completed", async (_, answer) => {
    suite.collector.always(answer)
    const { enqueue, services, lines } = suite.open()
    const ids: string[] = []
    for (let i = 0; i < 5; i++) ids.push(await enqueue(`through trouble ${i}`))
    await services.tick()
    const states = await Promise.all(ids.map(async (id) => (await services.queue.status(id, null))?.state))
    expect(states).toEqual(ids.map(() => "completed"))
    const attempts = lines.filter(
      ({ event, requestId }) => event === "attempt" && ids.includes(`${requestId}`),
    )
    expect(attempts).toHaveLength(5)
    expect(lines.filter(({ level }) => level === "error")).toEqual([])
    // At most one line of it, however many exports failed.
    expect(lines.filter(({ event }) => event === "spans_not_sent").length).toBeLessThanOrEqual(1)
  })
})
