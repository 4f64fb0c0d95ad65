import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { countRoundTrips } from "../helpers/count.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { createScene, ORGANIZATION } from "./scene.ts"

let store: TestStore
beforeAll(async () => {
  store = await startBestStore()
})
afterAll(() => store.close())

const CONTENT = "so it goes on. ".repeat(6000)
const COUNT = 100

/** Some 9 MB, as they come over a connection. `lastId`: the custom id of the last one. */
function bodyOf(lastId: string): ReadableStream<Uint8Array> {
  const params = { model: "m", max_tokens: 1, messages: [{ role: "user", content: CONTENT }] }
  const pieces = Array.from({ length: COUNT }, (_, i) => {
    const custom_id = i === COUNT - 1 ? lastId : `id-${i}`
    const start = i === 0 ? '{"requests":[' : ","
    return `${start}${JSON.stringify({ custom_id, params })}${i === COUNT - 1 ? "]}" : ""}`
  })
  const encoder = new TextEncoder()
  return ReadableStream.from(pieces.map((piece) => encoder.encode(piece)))
}

describe("a message batch of some megabytes", () => {
  const asked = { organizationId: ORGANIZATION, bytes: 10_000_000, keepSeconds: 3600, keyHash: null }

  it("is taken in with few round trips, for a free Worker has 50 of them", async () => {
    const { service } = createScene(store)
    const create = () => service.createFromRequests({ ...asked, body: bodyOf("last") })
    await create()
    // Room, its three writes, its head, and the batch.
    expect(await countRoundTrips(store.bridge, create)).toBeLessThanOrEqual(7)
  })

  it("leaves nothing when it is refused at its end", async () => {
    const { service, queue } = createScene(store)
    await expect(service.createFromRequests({ ...asked, body: bodyOf("id-0") })).rejects.toMatchObject({
      code: "invalid_request",
    })
    expect(await store.redis.keys(queue.keys.file("*").replace(/[{}]/g, "?"))).toEqual([])
  })
})
