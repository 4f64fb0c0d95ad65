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
})
