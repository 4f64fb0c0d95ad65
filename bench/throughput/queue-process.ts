/**
 * The queue as a contender: library and Node workers against a bridge. Arguments: its address, its token, and how many workers
 * share what is worked on at once.
 */
import { AIRequestQueue, type AIRequestQueueOptions, type NewAIRequest } from "../../src/library/index.ts"
import { startAIQueueWorkers } from "../../src/worker/index.ts"
import { PROMPT, serveRounds } from "./contender.ts"

const [url = "", token = "", workerCount = "1"] = process.argv.slice(2)
const PROVIDER = "openai"
const options: AIRequestQueueOptions = {
  redis: { url, token },
  queueName: "throughput",
  env: { OPENAI_API_KEY: "never-called" },
}
const queue = new AIRequestQueue(options)
const messages = [{ role: "user" as const, content: PROMPT }]
const request: NewAIRequest = { provider: PROVIDER, model: "gpt-test", messages, organizationId: "org-1" }

await serveRounds({
  add: () => queue.enqueue(PROVIDER, request.model, messages, { organizationId: "org-1" }),
  addMany: (count) => queue.enqueueMany(Array.from({ length: count }, () => request)),
  startWorkers: async (onCompleted, atOnce) => {
    const concurrency = atOnce === undefined ? {} : { concurrency: atOnce / Number(workerCount) }
    const setting = { ...options, ...concurrency, processor: async () => "done" }
    const workers = await startAIQueueWorkers(Number(workerCount), setting)
    for (const worker of workers) worker.on("completed", onCompleted)
    return () => Promise.all(workers.map((worker) => worker.stop()))
  },
  close: async () => {},
})
