import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { stepBatch } from "../../src/batches/step-batch.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { mixedLines } from "./lines.ts"
import { createScene, ORGANIZATION, unlimited } from "./scene.ts"

let store: TestStore
beforeAll(async () => {
  store = await startBestStore()
})
afterAll(() => store.close())

const once = { organizationId: ORGANIZATION, keyHash: "ab", bodyHash: "cd" }

describe("a batch under an idempotency key", () => {
  it("is one, however often it is asked for", async () => {
    const scene = createScene(store)
    const first = await scene.start(await scene.upload(mixedLines(3)))
    const { deps, service } = scene
    const asked = { ...first, outputTtlSeconds: 60 }
    const one = await service.create(asked, once)
    expect((await service.create(asked, once)).batchId).toBe(one.batchId)
    await expect(service.create(asked, { ...once, bodyHash: "ef" })).rejects.toMatchObject({
      code: "idempotency_mismatch",
    })
    const { data } = await deps.batches.list("openai", ORGANIZATION, { limit: 10 })
    expect(data.map(({ batchId }) => batchId)).toEqual([one.batchId, first.batchId])
  })

  it("is one with requests that come as a body, and leaves one file", async () => {
    const { service, deps } = createScene(store)
    const post = (content: string) =>
      service.createFromRequests({
        ...{ organizationId: ORGANIZATION, bytes: 1000, keepSeconds: 3600, keyHash: "ab" },
        body:
          new Response(
            JSON.stringify({
              requests: [
                {
                  custom_id: "a",
                  params: { model: "m", max_tokens: 1, messages: [{ role: "user", content }] },
                },
              ],
            }),
          ).body ?? new ReadableStream(),
      })
    const first = await post("hello")
    expect((await post("hello")).batchId).toBe(first.batchId)
    await expect(post("another")).rejects.toMatchObject({ code: "idempotency_mismatch" })
    expect((await deps.files.list(ORGANIZATION)).map(({ fileId }) => fileId)).toEqual([first.inputFileId])
  })
})

it("a batch whose first answer was lost is stored all the same, also when it is stepped before it is tried again", async () => {
  const scene = createScene(store)
  const { deps } = scene
  const batch = await scene.start(await scene.upload(mixedLines(3)))
  await stepBatch(deps, batch.batchId, unlimited())
  expect(await deps.batches.create(batch, null)).toBe(batch.batchId)
  expect(await scene.find(batch.batchId)).toMatchObject({ status: "in_progress" })
})
