import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { newBatch } from "../../src/batches/new-batch.ts"
import { createBatches } from "../../src/queue/batches.ts"
import type { Batch, BatchKind } from "../../src/queue/batches-contract.ts"
import { createTestQueue, settlement, type TestQueue } from "../helpers/queue.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"

let store: TestStore
beforeAll(async () => {
  store = await startBestStore()
})
afterAll(() => store.close())

const MONTH_MS = 30 * 86_400_000

function open() {
  const queue = createTestQueue(store)
  const { clock, name: queueName } = queue
  const batches = createBatches({ redis: store, queueName, clock, random: () => 0 })
  const create = async (kind: BatchKind = "openai", organizationId = "org-1"): Promise<Batch> => {
    const asked = { organizationId, endpoint: "/v1/chat/completions", inputFileId: "file-1", inputBytes: 10 }
    const config = { maxPending: 1000, maxPendingPerOrganization: 1000 }
    const settings = { batches, config, now: clock() }
    const batch = newBatch(kind, { ...asked, metadata: null, outputTtlSeconds: 60 }, settings)
    await batches.create(batch, null)
    clock.advance(1)
    return batch
  }
  return { queue, batches, create }
}

function choresOf({ keys }: TestQueue): Promise<string[]> {
  return store.redis.zRange(keys.chores, 0, -1)
}

describe("stored batches", () => {
  it("are found by their organization alone, and stepped by a chore", async () => {
    const { queue, batches, create } = open()
    const batch = await create()
    expect(await batches.find(batch.batchId, "org-1")).toEqual({ revision: 1, batch })
    expect(await batches.find(batch.batchId, null)).toEqual({ revision: 1, batch })
    expect(await batches.find(batch.batchId, "org-2")).toBeNull()
    await batches.claimCustomIds(batch.batchId, [{ customId: "a", line: 1 }])
    expect(await batches.find(`${batch.batchId}:ids`, "org-1")).toBeNull()
    expect(await choresOf(queue)).toEqual([`batch|${batch.batchId}`])
  })

  it("are changed by one of two who have read the same, and by a repetition not twice", async () => {
    const { batches, create } = open()
    const batch = await create()
    const known = { revision: 1, batch }
    const saved = await batches.save(known, { ...batch, total: 1 })
    expect(saved?.revision).toBe(2)
    expect(await batches.save(known, { ...batch, total: 1 })).toEqual(saved)
    expect(await batches.save(known, { ...batch, total: 2 })).toBeNull()
    expect(await batches.cancel(known, { ...batch, total: 2 })).toBe(false)
    expect(await batches.find(batch.batchId, null)).toEqual(saved)
  })

  it("are listed newest first, page by page in both directions", async () => {
    const { batches, create } = open()
    const ids: string[] = []
    for (let i = 0; i < 5; i++) ids.unshift((await create()).batchId)
    await create("anthropic")
    await create("openai", "org-2")
    const page = async (options: { after?: string; before?: string }) => {
      const { data, hasMore } = await batches.list("openai", "org-1", { limit: 2, ...options })
      return { ids: data.map(({ batchId }) => batchId), hasMore }
    }
    expect(await page({})).toEqual({ ids: ids.slice(0, 2), hasMore: true })
    expect(await page({ after: ids[1] ?? "" })).toEqual({ ids: ids.slice(2, 4), hasMore: true })
    expect(await page({ after: ids[3] ?? "" })).toEqual({ ids: ids.slice(4), hasMore: false })
    expect(await page({ before: ids[4] ?? "" })).toEqual({ ids: ids.slice(2, 4), hasMore: true })
    expect(await page({ before: ids[0] ?? "" })).toEqual({ ids: [], hasMore: false })
  })

  it("are forgotten after a month, and their index does not grow", async () => {
    const { queue, batches, create } = open()
    await create()
    queue.clock.advance(MONTH_MS + 1)
    const { batchId } = await create()
    const index = queue.keys.batches("openai", "org-1")
    expect(await store.redis.zRange(index, 0, -1)).toEqual([batchId])
    const left = await store.redis.pTTL(queue.keys.batch(batchId))
    expect(left).toBeGreaterThan(MONTH_MS)
    await batches.delete((await batches.find(batchId, null))?.batch ?? (await create()))
    expect(await batches.list("openai", "org-1", { limit: 10 })).toEqual({ data: [], hasMore: false })
  })

  it("leave no counts behind, also when a line is replayed after the end", async () => {
    const { queue, batches, create } = open()
    const { batchId } = await create()
    const [id = ""] = await queue.enqueueEach({ batchId })
    await queue.settle([settlement(await queue.takeOne(), "failed")])
    expect(await batches.countEnded([batchId])).toEqual([{ completed: 0, failed: 1, cancelled: 0 }])
    await batches.forgetCounts(batchId)
    await queue.replay(id, null, { deadlineAt: null })
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    const fields = Object.keys(await store.redis.hGetAll(queue.keys.meta))
    expect(fields.filter((field) => field.startsWith("batch:"))).toEqual([])
  })

  it("keep the line that had a custom id first", async () => {
    const { batches, create } = open()
    const { batchId } = await create()
    const a = (line: number) => ({ customId: "a", line })
    expect(await batches.claimCustomIds(batchId, [a(1), { customId: "b", line: 2 }, a(3)])).toEqual([1, 2, 1])
    expect(await batches.claimCustomIds(batchId, [a(1), a(4)])).toEqual([1, 1])
    await batches.forgetCustomIds(batchId)
    expect(await batches.claimCustomIds(batchId, [a(4)])).toEqual([4])
  })

  it("read outcomes in order, as many as so many bytes hold", async () => {
    const { queue, batches } = open()
    const ids = await queue.enqueueEach(...Array.from({ length: 30 }, (_, i) => ({ text: `request ${i}` })))
    await queue.settle(
      (await queue.take({ limit: 29 })).requests.map((each) => settlement(each, "completed")),
    )
    const asked = ["req_1m87cme860000kasyvrjjdr", ...ids]
    const all = await batches.outcomes(asked, 1_000_000)
    expect(all.map(({ kind }) => kind)).toEqual(["unknown", ...ids.slice(1).map(() => "finished"), "live"])
    expect(all[1]).toMatchObject({ status: { requestId: ids[0], state: "completed" } })
    const few = await batches.outcomes(asked, 2000)
    expect(few.length).toBeGreaterThan(1)
    expect(few.length).toBeLessThan(10)
    expect(few).toEqual(all.slice(0, few.length))
    expect(await batches.outcomes(ids, 1)).toHaveLength(1)
    expect(await batches.unfinished(asked)).toEqual([ids.at(-1)])
  })
})
