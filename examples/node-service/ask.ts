/**
 * Asks a model through the queue, without the HTTP API in between; the Worker beside it does the calling.
 *
 *   UPSTASH_REDIS_REST_URL=… UPSTASH_REDIS_REST_TOKEN=… OPENAI_API_KEY=… node examples/node-service/ask.ts "What is ESG?"
 */
// In a project of your own: "ai-request-queue".
import { AIRequestQueue } from "../../src/library/index.ts"

const question = process.argv[2] ?? "Say hello."

const queue = new AIRequestQueue()
const requestId = await queue.enqueue("openai", "gpt-5-mini", [{ role: "user", content: question }], {
  priority: "high",
  metadata: { trace: "abc" },
})
const { state, response, error } = await queue.waitFor(requestId, { timeoutMs: 120_000 })
console.log(state, response?.choices[0]?.message.content ?? error?.message)
