/**
 * The queue as a contender: library and Node workers against a bridge. Arguments: its address, its token, and how many workers
 * share what is worked on at once.
 */
import { setTimeout as wait } from "node:timers/promises"
import type { AIRequestQueueOptions, NewAIRequest } from "../../src/library/index.ts"
import { AIRequestQueue } from "../../src/library/index.ts"
import { startAIQueueWorkers } from "../../src/worker/index.ts"
import { PROMPT, serveRounds } from "./contender.ts"

const [url = "", token = "", workersAtOnce = "1"] = process.argv.slice(2)
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
  addSingly: async (count, atOnce) => {
    let left = count
    const add = async () => {
      while (left-- > 0) await queue.enqueue(PROVIDER, request.model, messages, { organizationId: "org-1" })
    }
    await Promise.all(Array.from({ length: atOnce }, add))
  },
  addInBulk: async (count, bulk) => {
    for (let left = count; left > 0; left -= bulk) {
      await queue.enqueueMany(Array.from({ length: Math.min(left, bulk) }, () => request))
    }
  },
  work: async (count, concurrency) => {
    const share = concurrency / Number(workersAtOnce)
    const setting = { ...options, concurrency: share, processor: async () => "done" }
    const workers = await startAIQueueWorkers(Number(workersAtOnce), setting)
    let left = count
    await new Promise<void>((resolve) => {
      const oneLess = () => {
        left -= 1
        if (left === 0) resolve()
      }
      for (const worker of workers) worker.on("completed", oneLess)
    })
    await Promise.all(workers.map((worker) => worker.stop()))
  },
  idle: async (count, ms) => {
    const workers = await startAIQueueWorkers(count, { ...options, processor: async () => "done" })
    await wait(ms)
    await Promise.all(workers.map((worker) => worker.stop()))
  },
  close: async () => {},
})
