import { expect, test } from "vitest"
import { newBatch } from "../../src/batches/new-batch.ts"
import { batchRequestId } from "../../src/core/ids.ts"
import { BATCH_PREFIXES, createBatches } from "../../src/queue/batches.ts"
import type { Batch } from "../../src/queue/batches-contract.ts"
import { createChores } from "../../src/queue/chores.ts"
import { createFiles } from "../../src/queue/files.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"
import type { TestStore } from "../helpers/store.ts"
import { restoreBackup, takeBackup } from "./dump.ts"

const CALLBACK = {
  url: "https://example.com/hook",
  events: ["request.completed" as const],
  includeResponse: false,
}

function openAround(store: TestStore, { name, clock }: TestQueue) {
  const options = { redis: store, queueName: name, clock }
  return {
    files: createFiles({ ...options, settings: { maxFileBytesPerOrganization: 10_000_000 } }),
    batches: createBatches(options),
    chores: createChores(options),
  }
}

describeQueue("a backup of what stands around requests", ({ store, open }) => {
  test("who is to be told is told in the copy, once: of an end that the backup holds", async () => {
    const queue = open()
    const [told = "", untold = "", open1 = ""] = await queue.enqueueEach(
      ...[{ callback: CALLBACK }, { callback: CALLBACK }, { callback: CALLBACK }],
    )
    const { requests } = await queue.take({ limit: 2 })
    await queue.settle(requests.map((each) => settlement(each, "completed")))
    const { chores } = openAround(store(), queue)
    const [first] = (await chores.take(10, 60_000)).chores.filter(({ name }) => name.includes(told))
    await chores.settle(first ?? expect.unreachable(), null)
    // It ends between the reading of requests and that of chores.
    const { dump } = await takeBackup(store(), queue.name, {
      onLine: async (line) => {
        if (line.kind !== "key" || line.name !== "chores") return
        const { requests: late } = await queue.take()
        await queue.settle(late.map((each) => settlement(each, "completed")))
      },
    })
    const copy = open({ name: `${queue.name}-copy`, clock: queue.clock })
    await restoreBackup(store(), copy.name, dump)
    copy.clock.advance(120_000)
    const due = await openAround(store(), copy).chores.take(10, 60_000)
    expect(due.chores.map(({ name }) => name)).toEqual([`delivery|${untold}|completed|0`])
    expect(await copy.status(open1, null)).toMatchObject({ state: "pending", callback: CALLBACK })
  })

  test("a file comes back with its chunks", async () => {
    const queue = open()
    const { files } = openAround(store(), queue)
    const fileId = files.newFileId()
    const text = `${JSON.stringify({ text: '"é語"'.repeat(20_000) })}\n`.repeat(12)
    const until = Date.now() + 3_600_000
    const written = await files.append(fileId, { chunks: 0, bytes: 0 }, text, until)
    expect(written.chunks).toBeGreaterThan(1)
    const about = {
      organizationId: "org-1",
      filename: "in.jsonl",
      purpose: "batch" as const,
      lifeSeconds: 86_400,
    }
    await files.finish({ fileId, ...about }, written)
    const { dump } = await takeBackup(store(), queue.name)
    const copy = open({ name: `${queue.name}-copy` })
    expect((await restoreBackup(store(), copy.name, dump)).differences).toEqual([])
    const { files: copied } = openAround(store(), copy)
    const head = await copied.find(fileId, "org-1")
    const chunks: string[] = []
    for await (const chunk of copied.readChunks(head ?? expect.unreachable())) chunks.push(chunk)
    expect(chunks.join("")).toBe(text)
    expect(await copied.list("org-1")).toHaveLength(1)
  })

  test("a batch under way goes on: lines that it does not know of are enqueued anew, and ends are counted again", async () => {
    const queue = open()
    const { batches } = openAround(store(), queue)
    const config = { maxPending: 1000, maxPendingPerOrganization: 1000 }
    const asked = { endpoint: "/v1/chat/completions", inputFileId: "file-x", inputBytes: 100, metadata: null }
    const fresh = newBatch(
      ...(["openai", { ...asked, organizationId: "org-1", outputTtlSeconds: 60 }] as const),
      { batches, config, now: queue.clock() },
    )
    const batch: Batch = {
      ...fresh,
      phase: "enqueue",
      status: "in_progress",
      total: 6,
      reached: 4,
      enqueued: 4,
    }
    await batches.create(batch, null)
    const { batchId } = batch
    const idOf = (index: number) => batchRequestId(batchId, BATCH_PREFIXES.openai, index)
    const lines = (...indexes: number[]) =>
      queue.enqueue(indexes.map((i) => queue.newRequest({ requestId: idOf(i), batchId })))
    await lines(0, 1, 2, 3)
    const { requests } = await queue.take({ limit: 2 })
    await queue.settle(requests.map((each) => settlement(each, "completed")))
    // The group after what it knows: it has been enqueued, and the batch has not been told.
    await lines(4, 5)

    const { dump } = await takeBackup(store(), queue.name)
    const copy = open({ name: `${queue.name}-copy`, clock: queue.clock })
    const report = await restoreBackup(store(), copy.name, dump)
    expect(report).toMatchObject({ differences: [], left: { repeated: 2 } })
    const copied = openAround(store(), copy)
    expect(await copied.batches.countEnded([batchId])).toEqual([{ completed: 2, failed: 0, cancelled: 0 }])
    expect((await copied.batches.find(batchId, "org-1"))?.batch).toEqual(batch)
    copy.clock.advance(120_000)
    expect((await copied.chores.take(10, 1000)).chores.map(({ name }) => name)).toEqual([`batch|${batchId}`])
    await copy.enqueue([4, 5].map((i) => copy.newRequest({ requestId: idOf(i), batchId })))
    expect((await copy.stats()).counts).toMatchObject({ pending: 4, completed: 2 })
    await copy.setPaused(null, false)
    const all = await copy.take()
    await copy.settle(all.requests.map((each) => settlement(each, "completed")))
    expect(await copied.batches.countEnded([batchId])).toEqual([{ completed: 6, failed: 0, cancelled: 0 }])
  })
})
