import { expect, test } from "vitest"
import { describeScenes } from "../../drain/scene.ts"
import { openApi, type ReceivedEvent } from "./api.ts"

/** Two seconds of text, with characters of one to four bytes. */
const TEXT = "Grüße, 世界 🌍! ".repeat(20)
const SLOW = `[[sim: text="${TEXT}" latencyMs=100 tokensPerSecond=40]]`

function textOf(events: ReceivedEvent[], attempt: number): string {
  let text = ""
  for (const { event, data } of events) {
    if (event !== "text" || data.attempt !== attempt) continue
    expect(data.offset, "no gap, nothing twice").toBe(new TextEncoder().encode(text).length)
    text += data.text
  }
  return text
}

describeScenes("the events of a request", (scene) => {
  test("tell its states, its text as it comes and its outcome, and then end", async () => {
    const s = await scene()
    const { events } = openApi(s)
    const [id = ""] = await s.enqueue({ text: SLOW })
    const received: ReceivedEvent[] = []
    let drained: Promise<unknown> | null = null
    for await (const each of events(id)) {
      received.push(each)
      drained ??= s.drain()
    }
    await drained
    expect(received.map(({ event }) => event)).toEqual([
      ...["status", "status"],
      ...received.slice(2, -1).map(() => "text"),
      "finished",
    ])
    expect(received[0]?.data).toMatchObject({ requestId: id, state: "pending", position: 1, attempt: 0 })
    expect(received[1]?.data).toMatchObject({ state: "processing", position: null, attempt: 1 })
    const finished = received.at(-1)?.data
    expect(finished).toMatchObject({ requestId: id, state: "completed" })
    expect(textOf(received, 1)).toBe(finished.response.choices[0].message.content)
    expect(received.length - 3, "it came in parts").toBeGreaterThan(3)
  })

  test("go on where a reader left off, and end for good after the last", async () => {
    const s = await scene()
    const { events, get } = openApi(s)
    const [id = ""] = await s.enqueue({ text: "hello" })
    const before: ReceivedEvent[] = []
    for await (const each of events(id)) {
      before.push(each)
      break
    }
    await s.drain()
    const after: ReceivedEvent[] = []
    for await (const each of events(id, before[0]?.id)) after.push(each)
    expect(after.map(({ event }) => event)).toEqual(["text", "finished"])
    const again: ReceivedEvent[] = []
    for await (const each of events(id, after[0]?.id)) again.push(each)
    expect(again.map(({ event }) => event)).toEqual(["finished"])
    const lastEventId = after[1]?.id ?? ""
    expect((await get(`/v1/requests/${id}/events`, { "last-event-id": lastEventId })).status).toBe(204)
  })

  test("are asked for no more once the reader has left", async () => {
    const s = await scene()
    const { events } = openApi(s)
    const [id = ""] = await s.enqueue({ text: "hello" })
    for await (const _ of events(id)) break
    s.store.bridge.counters.reset()
    await s.drain()
    const { requests } = s.store.bridge.counters
    await s.drain()
    // A claim that finds nothing is all that has been added.
    expect(s.store.bridge.counters.requests - requests).toBe(1)
  })

  test("of an unknown request are a problem, before any stream", async () => {
    const answer = await openApi(await scene()).get("/v1/requests/req_1m8650amf00005356tsz986/events")
    expect([answer.status, answer.headers.get("content-type")]).toEqual([404, "application/problem+json"])
  })
})
