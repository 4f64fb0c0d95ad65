/**
 * Three workers that drain the queue beside the deployed Worker, until they are told to stop.
 *
 *   UPSTASH_REDIS_REST_URL=… UPSTASH_REDIS_REST_TOKEN=… OPENAI_API_KEY=… node examples/node-workers/workers.ts
 */
// In a project of your own: "ai-request-queue/worker".
import { startAIQueueWorkers } from "../../src/worker/index.ts"

const workers = await startAIQueueWorkers(3, {
  concurrency: 2,
  maxProcessingTime: 60_000,
  healthCheckInterval: 30_000,
  onHealth: ({ name, queue, stats }) => console.log(name, queue.status, `${stats.ratePerMinute} a minute`),
})
for (const worker of workers) {
  worker.on("completed", ({ requestId, durationMs }) => console.log(requestId, `took ${durationMs} ms`))
  worker.on("failed", ({ requestId, error }) => console.warn(requestId, "failed:", error.code))
  worker.on("error", ({ code }) => console.warn(worker.name, "has trouble:", code))
}

// What is in work is finished, then the process ends by itself.
process.once("SIGTERM", async () => {
  await Promise.all(workers.map((worker) => worker.stop()))
  console.log("processed", ...workers.map((worker) => worker.getStats().processed))
})
