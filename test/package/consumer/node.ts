import { AIRequestQueue, type RequestStatus } from "ai-request-queue"
import { AIRequestQueueClient } from "ai-request-queue/client"

// A consumer of the package in Node: enqueues by the library, completes by it, and has a typed client for the HTTP API.
const [url = "", token = ""] = process.argv.slice(2)
const queue = new AIRequestQueue({ redis: { url, token }, queueName: "consumer" })
const requestId = await queue.enqueue("openai", "gpt-5", [{ role: "user", content: "Hello?" }])
const request = await queue.dequeue()
if (request?.requestId !== requestId) throw new Error("another request")
await queue.complete(requestId, "Hello!")
const status: RequestStatus | null = await queue.getRequestStatus(requestId)
const client = new AIRequestQueueClient({ url: "http://127.0.0.1:1", apiKey: "none" })
const error: unknown = await client.health().catch((reason: unknown) => reason)
console.log(JSON.stringify({ state: status?.state, error: error instanceof Error ? error.name : null }))
