import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { mixedLines } from "../batches/lines.ts"
import { createScene, type Scene, SETTINGS } from "../batches/scene.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { effort } from "./effort.ts"
import { recordFault } from "./tally.ts"

const [LINES, KILLS] = [effort(500, 5000), effort(3, 40)]
/** So that a kill falls anywhere in a step, which takes some seconds in all. */
const MAX_LIFE_MS = 400

let store: TestStore
beforeAll(async () => {
  store = await startBestStore()
})
afterAll(() => store.close())

function startStepper(scene: Scene, batchId: string): ChildProcess {
  const file = join(import.meta.dirname, "../batches/stepper-process.ts")
  const options = ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"]
  const args = [store.url, store.token, scene.queue.name, batchId, JSON.stringify(SETTINGS)]
  return spawn(process.execPath, [...options, file, ...args], { stdio: ["ignore", "pipe", "inherit"] })
}

/** Answers what is in line until the batch has ended, in whatever process. How many it were. */
async function answerAll(scene: Scene, batchId: string): Promise<number> {
  let answered = 0
  for (;;) {
    scene.queue.clock.set(Date.now())
    const more = await scene.answer(200)
    answered += more
    if ((await scene.find(batchId)).phase === null) return answered
    if (more === 0) await wait(20)
  }
}

async function filesOf(scene: Scene, batchId: string) {
  const { output, errorOutput, counts, status, usage } = await scene.find(batchId)
  const texts = [output, errorOutput].map((file) => scene.content(file?.fileId ?? ""))
  return { status, counts, usage, texts: await Promise.all(texts) }
}

/** Steps the batch in processes of their own, of which so many are killed; gives its files and how many calls there were. */
async function run(lines: object[], kills: number) {
  const scene = createScene(store, { batchId: BATCH_ID })
  const { batchId } = await scene.start(await scene.upload(lines))
  let isOver = false
  let killed = 0
  const stepping = (async () => {
    while (!isOver) {
      const child = startStepper(scene, batchId)
      const exited = once(child, "exit")
      if (killed < kills) {
        await once(child.stdout ?? child, "data")
        await wait(Math.random() * MAX_LIFE_MS)
        if (child.exitCode === null) killed += 1
        child.kill("SIGKILL")
      }
      await exited
    }
  })()
  const answered = await answerAll(scene, batchId)
  isOver = true
  await stepping
  return { answered, killed, files: await filesOf(scene, batchId) }
}

const BATCH_ID = "batch_1m87cme860000kasyvrjjdr"

describe("a batch whose processes are killed with SIGKILL", () => {
  test(
    "ends with the files of an undisturbed one, and each of its lines is called once",
    async () => {
      const lines = mixedLines(LINES)
      const undisturbed = await run(lines, 0)
      const disturbed = await run(lines, KILLS)
      expect(undisturbed.files.counts).toMatchObject({ completed: (LINES * 3) / 5, failed: (LINES * 2) / 5 })
      expect(disturbed.killed).toBeGreaterThan(0)
      expect(disturbed.answered).toBe(LINES)
      expect(disturbed.files).toEqual(undisturbed.files)
      recordFault({
        table: "processes",
        fault: `SIGKILL of what steps a batch of ${LINES} lines`,
        ...{ tried: disturbed.killed, lost: 0, doubled: 0 },
        seen: "its files are those of an undisturbed one, byte for byte; each line was called once",
      })
    },
    effort(60_000, 300_000),
  )
})
