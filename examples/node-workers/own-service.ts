/**
 * A worker that calls an AI service of your own, and takes the requests of the provider "my-service" alone.
 *
 *   UPSTASH_REDIS_REST_URL=… UPSTASH_REDIS_REST_TOKEN=… SERVICE_URL=http://… node examples/node-workers/own-service.ts
 */
// In a project of your own: "ai-request-queue/worker".
import { AIQueueWorker, type AIRequest, type ProcessorContext } from "../../src/worker/index.ts"

const worker = new AIQueueWorker({
  name: "my-service",
  concurrency: 10,
  providers: ["my-service"],
  processor: ask,
})
await worker.start()
process.once("SIGTERM", () => worker.stop())

async function ask(request: AIRequest, { signal, target }: ProcessorContext): Promise<string> {
  const body = JSON.stringify({ model: target.model, messages: request.messages })
  const answer = await fetch(process.env.SERVICE_URL ?? "", { method: "POST", body, signal })
  // Tried again after a while, unless it says that another try is futile.
  if (!answer.ok) throw Object.assign(new Error(`HTTP ${answer.status}`), { retryable: answer.status >= 500 })
  return answer.text()
}
