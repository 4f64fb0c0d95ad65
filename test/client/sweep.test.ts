import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { AIRequestQueueClient, type SweepTotals } from "../../src/client/client.ts"
import { ADMIN_KEY, type ServedQueue, serveQueue } from "./served-queue.ts"

vi.setConfig({ testTimeout: 60_000 })

let queue: ServedQueue
let client: AIRequestQueueClient
beforeAll(async () => {
  queue = await serveQueue()
  client = new AIRequestQueueClient({ url: queue.url, apiKey: ADMIN_KEY })
  vi.spyOn(console, "log").mockImplementation(() => undefined)
})
afterEach(() => queue.reset())
afterAll(async () => {
  vi.restoreAllMocks()
  await queue.close()
})

let organizations = 0

async function enqueueMany(
  count: number,
  content: string,
): Promise<{ organizationId: string; ids: string[] }> {
  const organizationId = `org-${++organizations}`
  const messages = [{ role: "user" as const, content }]
  const asked = Array.from({ length: count }, () => ({
    ...{ provider: "openai", model: "a-model", organizationId, messages },
  }))
  const enqueued = await client.enqueueMany(asked)
  return { organizationId, ids: enqueued.map(({ requestId }) => requestId) }
}

async function deadLetters(count: number): Promise<{ organizationId: string; ids: string[] }> {
  const asked = await enqueueMany(count, "Bad [[sim: error=rejected]]")
  await queue.tick()
  queue.reset()
  return asked
}

const states = async (ids: string[]) =>
  new Set(await Promise.all(ids.map(async (id) => (await client.status(id))?.state ?? null)))

describe("many requests", () => {
  it("are counted, replayed and discarded, with progress", async () => {
    const { organizationId, ids } = await deadLetters(5)
    const filter = { organizationId, errorCode: "provider_rejected" } as const
    const groups = [{ provider: "openai", errorCode: "provider_rejected", count: 5 }]
    expect(await client.replayMany(filter, { dryRun: true })).toEqual({
      ...{ matched: 5, done: 0, skipped: 0, examined: 5, groups },
    })
    const progress: number[] = []
    const onProgress = ({ done }: SweepTotals) => progress.push(done)
    expect(await client.replayMany(filter, { limit: 2, onProgress })).toEqual({
      ...{ matched: 5, done: 5, skipped: 0, examined: 5, groups },
    })
    expect(progress.slice(0, 3)).toEqual([2, 4, 5])
    expect(await states(ids)).toEqual(new Set(["pending"]))
    await queue.tick()
    expect(await client.discardMany(filter)).toMatchObject({ matched: 5, done: 5 })
    expect(await states(ids)).toEqual(new Set([null]))
  })

  it("are cancelled, though an answer is lost: the page is asked for again, and goes on", async () => {
    const { organizationId, ids } = await enqueueMany(4, "Never mind")
    queue.reset()
    let calls = 0
    queue.interfere = () => (++calls === 2 ? "lose" : undefined)
    const swept = await client.cancelMany({ organizationId }, { limit: 1 })
    // What the lost answer told of is not counted.
    expect(swept).toMatchObject({ matched: 3, done: 3 })
    expect(await states(ids)).toEqual(new Set(["cancelled"]))
  })

  it("are not replayed again from the start when the first answer is lost", async () => {
    const { organizationId, ids } = await deadLetters(2)
    queue.interfere = () => "lose"
    await expect(client.replayMany({ organizationId })).rejects.toMatchObject({ code: "unreachable" })
    expect(queue.exchanges).toHaveLength(1)
    queue.reset()
    expect(await states(ids)).toEqual(new Set(["pending"]))
  })

  it("are handled a page at a time by those who show them", async () => {
    const { organizationId, ids } = await enqueueMany(3, "Wait")
    const page = await client.sweepPage("cancel", { organizationId }, { limit: 2 })
    expect(page).toMatchObject({ matched: 2, done: 2 })
    const next = await client.sweepPage("cancel", { organizationId }, { cursor: page.nextCursor ?? "" })
    expect(next).toMatchObject({ matched: 1, done: 1, nextCursor: null })
    expect(await states(ids)).toEqual(new Set(["cancelled"]))
    const listed: string[] = []
    for await (const request of client.list({ organizationId, provider: "openai", model: "a-model" }))
      listed.push(request.requestId)
    expect(listed.sort()).toEqual(ids.toSorted())
  })

  it("must be named", async () => {
    await expect(client.cancelMany({})).rejects.toMatchObject({
      ...{ code: "invalid_request", errors: [{ path: "/filter" }] },
    })
  })
})
