import { spawn } from "node:child_process"
import { join, resolve } from "node:path"
import { text } from "node:stream/consumers"
import { afterAll, beforeAll, expect, it, vi } from "vitest"
import { ADMIN_KEY, type ServedQueue, serveQueue } from "./served-queue.ts"

const FOLDER = resolve(import.meta.dirname, "../../examples/import-file")

let queue: ServedQueue
let stopCron: () => Promise<void>
beforeAll(async () => {
  queue = await serveQueue()
  vi.spyOn(console, "log").mockImplementation(() => undefined)
  stopCron = queue.runCron()
})
afterAll(async () => {
  await stopCron()
  vi.restoreAllMocks()
  await queue.close()
})

async function run(): Promise<{ state: string; answer: string }[]> {
  const args = [join(FOLDER, "import-file.ts"), join(FOLDER, "questions.jsonl"), "org-123"]
  const env = { AIQ_URL: queue.url, AIQ_API_KEY: ADMIN_KEY }
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] })
  const lines = (await text(child.stdout)).trim().split("\n")
  return lines.map((line) => JSON.parse(line))
}

it("examples/import-file prints the answers in order, and asks once however often it is run", async () => {
  const answers = await run()
  const questions = ["What is ESG?", "What is a dead letter?", "What is an edge?", "What is fair queueing?"]
  expect(answers).toEqual(
    questions.map((question) => ({
      requestId: expect.any(String),
      ...{ state: "completed", answer: expect.stringContaining(question), error: null },
    })),
  )
  expect(await run()).toEqual(answers)
  expect(await queue.count("org-123")).toBe(4)
})
