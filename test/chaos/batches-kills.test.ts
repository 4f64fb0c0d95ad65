import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { stepBatch } from "../../src/batches/step-batch.ts"
import type { Batch } from "../../src/queue/batches-contract.ts"
import { Killed, killable } from "../batches/killable.ts"
import { mixedLines } from "../batches/lines.ts"
import { createScene, ORGANIZATION, type Scene, unlimited } from "../batches/scene.ts"
import { createTestClock } from "../helpers/queue.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { effort } from "./effort.ts"

let store: TestStore
beforeAll(async () => {
  store = await startBestStore()
})
afterAll(() => store.close())

const BEGIN = Date.now()
const BATCH_ID = "batch_1m87cme860000kasyvrjjdr"
const LINES = mixedLines(34)
/** Room for 32 requests, so groups of 8: the queue is full before the last of them. */
const ENV = { MAX_PENDING_PER_ORGANIZATION: "32" }

type Incident =
  | { kind: "kill"; at: number }
  | { kind: "answer"; count: number }
  | { kind: "twin"; at: number }

/** As long as its lines seem to be, so many of them may be in the queue at a time: 16, or more than it holds. */
const inputBytes = fc.constantFrom(4_000_000 * LINES.length, 1000)

async function open(bytes = 1000): Promise<Scene> {
  const scene = createScene(store, { env: ENV, clock: createTestClock(BEGIN), batchId: BATCH_ID })
  await scene.start(await scene.upload(LINES), { inputBytes: bytes })
  return scene
}

/** What a caller sees of an ended batch; the names of its files are drawn by chance. */
async function picture(scene: Scene, batch: Batch) {
  const content = async (fileId: string | undefined) => (fileId === undefined ? null : scene.content(fileId))
  return {
    ...{ status: batch.status, counts: batch.counts, usage: batch.usage, total: batch.total },
    output: await content(batch.output?.fileId),
    errors: await content(batch.errorOutput?.fileId),
  }
}

async function step(scene: Scene, killAt: number): Promise<void> {
  try {
    await stepBatch(killable(scene.deps, killAt), BATCH_ID, unlimited())
  } catch (error) {
    if (!(error instanceof Killed)) throw error
  }
}

async function suffer(scene: Scene, incident: Incident): Promise<number> {
  switch (incident.kind) {
    case "kill":
      await step(scene, incident.at)
      return 0
    case "answer":
      return scene.answer(incident.count)
    // Two at a time, of which one dies: its lease had run out while it was still at work.
    case "twin":
      await Promise.all([step(scene, incident.at), step(scene, Number.POSITIVE_INFINITY)])
      return 0
  }
}

const incident: fc.Arbitrary<Incident> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("kill" as const), at: fc.integer({ min: 1, max: 60 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("answer" as const), count: fc.integer({ min: 1, max: 20 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("twin" as const), at: fc.integer({ min: 1, max: 60 }) }),
  },
)

/** Takes it to its end; every request must have been handed to a drain once. */
async function end(scene: Scene, answered: number): Promise<Batch> {
  let calls = answered
  for (let round = 0; round < 200; round++) {
    const at = await stepBatch(scene.deps, BATCH_ID, unlimited())
    const batch = await scene.find(BATCH_ID)
    if (batch.phase === null) {
      expect(calls).toBe(LINES.length)
      return batch
    }
    const more = await scene.answer()
    calls += more
    if (more === 0 && at !== null) scene.queue.clock.set(Math.max(at, scene.queue.clock()))
  }
  throw new Error("the batch does not end")
}

describe("a batch whose processes are killed", () => {
  it(
    "ends with the same files as one that nothing happened to, and calls for each line once",
    async () => {
      const undisturbed = await open()
      const expected = await picture(undisturbed, await end(undisturbed, 0))
      expect(expected.output?.split("\n")).toHaveLength(1 + expected.counts.completed)
      await fc.assert(
        fc.asyncProperty(
          inputBytes,
          fc.array(incident, { minLength: 1, maxLength: 12 }),
          async (bytes, incidents) => {
            const scene = await open(bytes)
            let answered = 0
            for (const each of incidents) answered += await suffer(scene, each)
            expect(await picture(scene, await end(scene, answered))).toEqual(expected)
          },
        ),
        { numRuns: effort(8, 300) },
      )
    },
    effort(30_000, 300_000),
  )

  it(
    "tells each line once when it is cancelled at any instant",
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(incident, { maxLength: 6 }),
          fc.array(incident, { maxLength: 6 }),
          async (before, after) => {
            const scene = await open()
            for (const each of before) await suffer(scene, each)
            await scene.service.cancel(BATCH_ID, ORGANIZATION)
            for (const each of after) await suffer(scene, each)
            const batch = await scene.finish(BATCH_ID)
            const { output, errors, counts } = await picture(scene, batch)
            const told = `${output ?? ""}${errors ?? ""}`.split("\n").filter((line) => line !== "")
            const ids = told.map((line) => (JSON.parse(line) as { custom_id: string }).custom_id)
            const all = batch.total === null ? [] : LINES.map(({ custom_id }) => custom_id)
            expect(ids.sort()).toEqual(all.sort())
            expect(counts.completed + counts.failed + counts.cancelled).toBe(all.length)
            expect(await scene.queue.take()).toMatchObject({ requests: [] })
          },
        ),
        { numRuns: effort(8, 300) },
      )
    },
    effort(30_000, 300_000),
  )
})
