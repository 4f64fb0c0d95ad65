/** A process with workers in it, for tests that signal it: `worker-process.ts <count> <options as JSON>`. Ends on SIGTERM. */
import { startAIQueueWorkers } from "../../src/worker/index.ts"

const [count, options = "{}"] = process.argv.slice(2)
const workers = await startAIQueueWorkers(Number(count), JSON.parse(options))
process.once("SIGTERM", async () => {
  await Promise.all(workers.map((worker) => worker.stop()))
  const stats = workers.map((worker) => worker.getStats())
  console.log(JSON.stringify(stats.map(({ processed }) => processed)))
})
console.log("[]")
