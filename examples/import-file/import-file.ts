/**
 * Enqueues a file, one request a line, waits for all of them, and prints one line of JSON for each, in their order.
 * Run again, it stores nothing twice: the file's own digest is the idempotency key.
 *
 *   AIQ_API_KEY=… node examples/import-file/import-file.ts examples/import-file/questions.jsonl org-123 > answers.jsonl
 */
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
// In a project of yours: from "ai-request-queue/client".
import { AIRequestQueueClient, type FinishedRequest, type NewRequest } from "../../src/client/client.ts"

/** How many are asked after at once. */
const WAITERS = 8

const [, , file = "", organizationId] = process.argv
const queue = new AIRequestQueueClient({
  url: process.env.AIQ_URL ?? "http://127.0.0.1:8787",
  apiKey: process.env.AIQ_API_KEY ?? "",
})

const text = await readFile(file, "utf8")
const requests = text
  .split("\n")
  .filter((line) => line.trim() !== "")
  .map((line): NewRequest => ({ ...(organizationId && { organizationId }), ...JSON.parse(line) }))
const idempotencyKey = createHash("sha256").update(`${organizationId}\n${text}`).digest("hex")
const enqueued = await queue.enqueueMany(requests, { idempotencyKey })
console.error(`${enqueued.length} requests are in the queue.`)

const finished: FinishedRequest[] = []
const left = enqueued.entries()
const waiters = Array.from({ length: WAITERS }, async () => {
  for (const [i, { requestId }] of left)
    finished[i] = await queue.waitFor(requestId, { timeoutMs: 3_600_000 })
})
await Promise.all(waiters)

for (const { requestId, state, response, error } of finished) {
  const answer = response?.choices[0]?.message.content ?? null
  console.log(JSON.stringify({ requestId, state, answer, error: error?.code ?? null }))
}
process.exitCode = finished.every(({ state }) => state === "completed") ? 0 : 1
