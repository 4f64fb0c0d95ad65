/** Adds jobs to BullMQ's queue `scale` and ends. Arguments: the socket of Redis, how many, and the jobs' options as JSON. */
import { Queue } from "bullmq"
import { payload } from "../scale/payload.ts"

const BULK = 1000

const [path = "", count = "0", opts = "{}"] = process.argv.slice(2)
const queue = new Queue("scale", { connection: { path } })
const job = (i: number) => ({ name: "call", data: payload(i), opts: JSON.parse(opts) })
for (let from = 0; from < Number(count); from += BULK) {
  const bulk = Math.min(BULK, Number(count) - from)
  await queue.addBulk(Array.from({ length: bulk }, (_, i) => job(from + i)))
}
await queue.close()
