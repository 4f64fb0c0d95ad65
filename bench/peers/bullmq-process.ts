/** BullMQ as a contender, over TCP: the Redis's port is the argument. Jobs are prioritized, as the queue's requests are. */
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
  add: () => queue.add(job.name, job.data, job.opts),
  addMany: (count) => queue.addBulk(Array.from({ length: count }, () => job)),
  startWorkers: async (onCompleted, atOnce) => {
    const concurrency = atOnce === undefined ? {} : { concurrency: atOnce }
    const worker = new Worker(NAME, async () => "done", { connection, ...concurrency })
    worker.on("completed", onCompleted)
    return () => worker.close()
  },
  close: () => queue.close(),
})
