import { expect, test } from "vitest"
import { scriptSha } from "../../../dev/script-sha.ts"
import { decodeRecord } from "../../../src/queue/record.ts"
import { describeScenes, type Scene } from "../../drain/scene.ts"
import { eventually } from "../../helpers/eventually.ts"
import { readRawQueue } from "../../helpers/raw-queue.ts"
import { openApi, type ReceivedEvent } from "./api.ts"

const REQUESTS = 10
const READERS_EACH = 2
/** Characters of one to four bytes, so that nothing but whole ones may be cut. */
const TEXT = "Zwölf Boxkämpfer, 世界 🌍🌎! ".repeat(12)
const SLOW = `text="${TEXT}" latencyMs=50 tokensPerSecond=60`
const BROKEN = `[[sim: fault=cut afterTokens=50 times=1 ${SLOW}]]`

/** What one reader has of each attempt, however often it had to come back. */
type Read = Map<number, string>

/** Reads until the end, and goes away after every few events, to come back with the id of the last. */
async function readWithBreaks(s: Scene, requestId: string, breakAfter: number) {
  const { events } = openApi(s)
  const read: Read = new Map()
  let finished: ReceivedEvent | null = null
  let lastEventId: string | undefined
  for (let round = 0; finished === null && round < 200; round++) {
    let count = 0
    for await (const received of events(requestId, lastEventId)) {
      lastEventId = received.id
      if (received.event === "finished") finished = received
      if (received.event === "text") take(read, received.data)
      count += 1
      if (count === breakAfter) break
    }
  }
  return { read, status: finished?.data }
}

/** Fails on a gap, and on anything twice. */
function take(read: Read, { attempt, offset, text }: { attempt: number; offset: number; text: string }) {
  const before = read.get(attempt) ?? ""
  expect(offset, `of attempt ${attempt}`).toBe(Buffer.byteLength(before))
  read.set(attempt, before + text)
}

async function watched({ store, config }: Scene): Promise<number> {
  const { live } = await readRawQueue(store.redis, config.queueName)
  return [...live.values()].filter((record) => decodeRecord(record).watchedUntil > 0).length
}

describeScenes("texts that many follow while the store fails", (scene) => {
  test("are prefixes of what each attempt said, without a gap, and whole in the end", async () => {
    const s = await scene()
    const faults = { contains: scriptSha("partial"), probability: 0.2, fault: "drop" as const }
    for (const when of ["before", "after"] as const) s.store.bridge.faults.inject({ ...faults, when })
    const asks = Array.from({ length: REQUESTS }, (_, i) => ({
      text: `${i % 3 === 0 ? BROKEN : ""}[[sim: ${SLOW}]] ${i}`,
    }))
    const ids = await s.enqueue(...asks)
    const reading = ids.flatMap((id, i) =>
      Array.from({ length: READERS_EACH }, (_, reader) => readWithBreaks(s, id, 2 + ((i + 3 * reader) % 6))),
    )
    // The first attempt is over within a second: readers who come later have nothing of it.
    await eventually(async () => (await watched(s)) === REQUESTS)
    let isRead = false
    const readers = Promise.all(reading).finally(() => {
      isRead = true
    })
    while (!isRead && (await s.states(ids)).some((state) => state !== "completed")) await s.drain()
    let parts = 0
    for (const { read, status } of await readers) {
      expect(status).toMatchObject({
        state: "completed",
        response: { choices: [{ message: { content: TEXT } }] },
      })
      const ended = status.attempts.at(-1).number
      expect(read.get(ended)).toBe(TEXT)
      for (const text of read.values()) expect(TEXT.startsWith(text)).toBe(true)
      parts += read.size
    }
    expect(parts, "some attempt that broke was read too").toBeGreaterThan(REQUESTS * READERS_EACH)
    expect(s.lines.filter(({ event }) => event === "text_not_stored").length).toBeGreaterThan(0)
  })
})
