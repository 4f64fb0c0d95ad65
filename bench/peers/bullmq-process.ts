/** BullMQ as a contender, over TCP: the Redis's port is the argument. Jobs are prioritized, as the queue's requests are. */
import { setTimeout as wait } from "node:timers/promises"
import { Queue, Worker } from "bullmq"
import { PROMPT, serveRounds } from "../throughput/contender.ts"

const [port] = process.argv.slice(2)
const NAME = "throughput"
const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null }
const queue = new Queue(NAME, { connection })
await queue.waitUntilReady()

const job = {
  name: "chat",
  data: { provider: "openai", model: "gpt-test", messages: [{ role: "user", content: PROMPT }] },
  opts: { priority: 3 },
}

await serveRounds({
  addSingly: async (count, atOnce) => {
    let left = count
    const add = async () => {
      while (left-- > 0) await queue.add(job.name, job.data, job.opts)
    }
    await Promise.all(Array.from({ length: atOnce }, add))
  },
  addInBulk: async (count, bulk) => {
    for (let left = count; left > 0; left -= bulk) {
      await queue.addBulk(Array.from({ length: Math.min(left, bulk) }, () => job))
    }
  },
  work: async (count, concurrency) => {
    const worker = new Worker(NAME, async () => "done", { connection, concurrency })
    let left = count
    await new Promise<void>((resolve) => {
      worker.on("completed", () => {
        left -= 1
        if (left === 0) resolve()
      })
    })
    await worker.close()
  },
  idle: async (count, ms) => {
    const workers = Array.from({ length: count }, () => new Worker(NAME, async () => "done", { connection }))
    await wait(ms)
    await Promise.all(workers.map((worker) => worker.close()))
  },
  close: () => queue.close(),
})
