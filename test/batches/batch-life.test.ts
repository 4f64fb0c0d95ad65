import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { stepBatch } from "../../src/batches/step-batch.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { chatLine, mixedLines } from "./lines.ts"
import { createScene, ORGANIZATION, unlimited } from "./scene.ts"

let store: TestStore
beforeAll(async () => {
  store = await startBestStore()
})
afterAll(() => store.close())

function parseLines(text: string) {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
}

describe("a batch", () => {
  it("tells the end of each line in its files, in order", async () => {
    const scene = createScene(store)
    const lines = mixedLines(30)
    const { batchId } = await scene.start(await scene.upload(lines))
    const batch = await scene.finish(batchId)
    expect(batch).toMatchObject({
      ...{ status: "completed", total: 30, enqueued: 30 },
      counts: { completed: 18, failed: 12, cancelled: 0, expired: 0 },
      usage: { inputTokens: 18 * 11, outputTokens: 18 * 7 },
    })
    const output = parseLines(await scene.content(batch.output?.fileId ?? ""))
    const errors = parseLines(await scene.content(batch.errorOutput?.fileId ?? ""))
    const isGood = ({ custom_id }: { custom_id: string }) =>
      [0, 2, 4].includes(Number(custom_id.slice(5)) % 5)
    expect(output.map(({ custom_id }) => custom_id)).toEqual(
      lines.filter(isGood).map((line) => line.custom_id),
    )
    expect(errors.map(({ custom_id }) => custom_id)).toEqual(
      lines.filter((line) => !isGood(line)).map((line) => line.custom_id),
    )
    expect(output[0]).toMatchObject({
      id: expect.stringMatching(/^batch_req_/),
      response: {
        status_code: 200,
        request_id: expect.stringMatching(/^req_/),
        body: { object: "chat.completion", choices: [{ message: { content: "answer to hello 0" } }] },
      },
      error: null,
    })
    expect(errors[0]).toMatchObject({
      response: { status_code: 400, body: { error: { type: "invalid_request_error" } } },
      error: null,
    })
    expect(errors[1]).toMatchObject({ response: null, error: { code: "provider_unavailable" } })
  })

  it("asks for responses too", async () => {
    const scene = createScene(store)
    const line = (i: number) => ({
      ...{ custom_id: `r${i}`, method: "POST", url: "/v1/responses" },
      body: { model: "gpt-test", input: `hello ${i}` },
    })
    const inputFileId = await scene.upload([line(1), line(2)])
    const batch = await scene.finish((await scene.start(inputFileId, { endpoint: "/v1/responses" })).batchId)
    const [first] = parseLines(await scene.content(batch.output?.fileId ?? ""))
    expect(first.response).toMatchObject({
      status_code: 200,
      body: {
        object: "response",
        status: "completed",
        output: [{ content: [{ text: "answer to hello 1" }] }],
      },
    })
  })

  it("counts while it runs, and has requests of its own in the queue", async () => {
    const scene = createScene(store)
    const { batchId } = await scene.start(await scene.upload(mixedLines(5)))
    await stepBatch(scene.deps, batchId, unlimited())
    expect(await scene.find(batchId)).toMatchObject({ status: "in_progress", total: 5, enqueued: 5 })
    await scene.answer(2)
    expect(await scene.deps.batches.countEnded([batchId])).toEqual([
      { completed: 1, failed: 1, cancelled: 0 },
    ])
    const { requests } = await scene.queue.take({ limit: 1 })
    expect(requests[0]?.head).toMatchObject({
      ...{ priority: "low", organizationId: ORGANIZATION, batchId },
      metadata: { custom_id: "line-2", batch_id: batchId },
    })
  })

  it("fails before its first request when a line is wrong, and names the lines", async () => {
    const scene = createScene(store)
    const good = chatLine("a", "hello")
    const { batchId } = await scene.start(
      await scene.upload([
        ...[
          good,
          "",
          "{not json",
          "[1]",
          chatLine("a", "again"),
          { ...chatLine("b", "hello"), method: "GET" },
        ],
        ...[
          { ...chatLine("c", "hello"), url: "/v1/embeddings" },
          chatLine("d", "hello", { messages: "none" }),
        ],
        ...[{ method: "POST" }, chatLine("x".repeat(513), "long")],
      ]),
    )
    const batch = await scene.finish(batchId)
    expect(batch.status).toBe("failed")
    expect(batch.errors.map(({ line, code, param }) => [line, code, param])).toEqual([
      [3, "invalid_json_line", null],
      [4, "invalid_json_line", null],
      [5, "duplicate_custom_id", "custom_id"],
      [6, "invalid_method", "method"],
      [7, "mismatched_endpoint", "url"],
      [8, "invalid_request", "body.messages"],
      [9, "missing_required_parameter", "custom_id"],
      [9, "missing_required_parameter", "url"],
      [9, "missing_required_parameter", "body"],
      [10, "invalid_custom_id", "custom_id"],
    ])
    expect(await scene.queue.take()).toMatchObject({ requests: [] })
  })

  it("fails without lines, and stops after 100 errors", async () => {
    const scene = createScene(store)
    const empty = await scene.start(await scene.upload(["", " "]))
    expect(await scene.finish(empty.batchId)).toMatchObject({
      status: "failed",
      errors: [{ code: "empty_file", line: null }],
    })
    const bad = await scene.start(await scene.upload(Array.from({ length: 300 }, () => "{")))
    expect((await scene.finish(bad.batchId)).errors).toHaveLength(100)
  })

  it("expires: what has not begun by then is told so", async () => {
    const scene = createScene(store)
    const { batchId, expiresAt } = await scene.start(await scene.upload(mixedLines(6)))
    await stepBatch(scene.deps, batchId, unlimited())
    await scene.answer(1)
    scene.queue.clock.set(expiresAt)
    const batch = await scene.finish(batchId)
    expect(batch).toMatchObject({
      status: "expired",
      counts: { completed: 1, failed: 0, cancelled: 0, expired: 5 },
    })
    const errors = parseLines(await scene.content(batch.errorOutput?.fileId ?? ""))
    expect(errors.map(({ error }) => error.code)).toEqual(Array.from({ length: 5 }, () => "batch_expired"))
  })

  it("is cancelled: what is finished is told, the rest will not be called", async () => {
    const scene = createScene(store)
    const { batchId } = await scene.start(await scene.upload(mixedLines(6)))
    await stepBatch(scene.deps, batchId, unlimited())
    await scene.answer(2)
    expect(await scene.service.cancel(batchId, ORGANIZATION)).toMatchObject({ status: "cancelling" })
    const batch = await scene.finish(batchId)
    expect(batch).toMatchObject({
      status: "cancelled",
      counts: { completed: 1, failed: 1, cancelled: 4, expired: 0 },
    })
    expect(await scene.queue.take()).toMatchObject({ requests: [] })
    const errors = parseLines(await scene.content(batch.errorOutput?.fileId ?? ""))
    expect(errors.at(-1)).toMatchObject({ custom_id: "line-5", error: { code: "batch_cancelled" } })
  })

  it("takes no more requests once it is being cancelled, however late they come", async () => {
    const scene = createScene(store)
    const { batchId } = await scene.start(await scene.upload(mixedLines(3)))
    const { deps } = scene
    let late: Promise<unknown> | null = null
    const slow = {
      ...deps,
      queue: {
        ...deps.queue,
        enqueue: async (requests: Parameters<typeof deps.queue.enqueue>[0]) => {
          await scene.service.cancel(batchId, ORGANIZATION)
          await scene.finish(batchId)
          late = deps.queue.enqueue(requests)
          return late as ReturnType<typeof deps.queue.enqueue>
        },
      },
    }
    await stepBatch(slow, batchId, unlimited())
    await expect(late).rejects.toMatchObject({ code: "conflict" })
    expect(await scene.find(batchId)).toMatchObject({
      status: "cancelled",
      counts: { completed: 0, failed: 0, cancelled: 3, expired: 0 },
    })
    expect(await scene.queue.take()).toMatchObject({ requests: [] })
  })

  it("is given up without its input file", async () => {
    const scene = createScene(store)
    const inputFileId = await scene.upload(mixedLines(6))
    const { batchId } = await scene.start(inputFileId)
    await stepBatch(scene.deps, batchId, unlimited())
    const file = await scene.deps.files.find(inputFileId, ORGANIZATION)
    if (file !== null) await scene.deps.files.delete(file)
    await scene.answer()
    expect(await scene.finish(batchId)).toMatchObject({
      status: "failed",
      errors: [{ code: "input_file_gone", param: "input_file_id" }],
    })
  })

  it("leaves nothing in meta some minutes after its end", async () => {
    const scene = createScene(store)
    const { batchId } = await scene.start(await scene.upload(mixedLines(3)))
    await scene.finish(batchId)
    const at = await stepBatch(scene.deps, batchId, unlimited())
    scene.queue.clock.set(at ?? 0)
    expect(await stepBatch(scene.deps, batchId, unlimited())).toBeNull()
    const meta = await store.redis.hGetAll(scene.queue.keys.meta)
    expect(Object.keys(meta).filter((field) => field.includes(batchId))).toEqual([])
  })
})
