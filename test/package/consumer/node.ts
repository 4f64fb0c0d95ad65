import { AIRequestQueue, type RequestStatus } from "ai-request-queue"
import { AIRequestQueueClient } from "ai-request-queue/client"
import { AIQueueWorker } from "ai-request-queue/worker"

// A consumer of the package in Node: enqueues by the library and completes by it, lets a worker do the same, and has a typed
// client for the HTTP API.
const [url = "", token = ""] = process.argv.slice(2)
const queue = new AIRequestQueue({ redis: { url, token }, queueName: "consumer" })
const requestId = await queue.enqueue("openai", "gpt-5", [{ role: "user", content: "Hello?" }])
const request = await queue.dequeue()
if (request?.requestId !== requestId) throw new Error("another request")
await queue.complete(requestId, "Hello!")
const status: RequestStatus | null = await queue.getRequestStatus(requestId)
const worker = new AIQueueWorker({
  redis: { url, token },
  queueName: "consumer",
  processor: async (asked) => `Hello, ${asked.model}!`,
})
await worker.start()
const asked = await queue.enqueue("openai", "gpt-5", [{ role: "user", content: "Hello?" }])
const answered = await queue.waitFor(asked, { timeoutMs: 30_000 })
await worker.stop()
const client = new AIRequestQueueClient({ url: "http://127.0.0.1:1", apiKey: "none" })
const error: unknown = await client.health().catch((reason: unknown) => reason)
const answer = answered.response?.choices[0]?.message.content
console.log(
  JSON.stringify({ state: status?.state, answer, error: error instanceof Error ? error.name : null }),
)
