import { setTimeout as wait } from "node:timers/promises"
import { runDrain } from "../../../src/drain/run-drain.ts"
import { openStack, type StackOptions } from "../../scale/stack.ts"

// Drains a queue until nothing is left, in a process that tells how much memory it took. Its heap is limited by whoever starts it.

export interface Memory {
  /** Resident before the first call, and at most, bytes. */
  atFirst: number
  most: number
}

const SAMPLE_MS = 10
const MOST_DRAINS = 100

const { deps } = openStack(JSON.parse(process.env.DRAIN_OPTIONS ?? "{}") as StackOptions)
// One without anything to do warms up what every drain needs.
await runDrain(deps, { owner: "warm", concurrency: 0 })
const memory: Memory = { atFirst: process.memoryUsage.rss(), most: 0 }
const sampling = setInterval(() => {
  memory.most = Math.max(memory.most, process.memoryUsage.rss())
}, SAMPLE_MS)
// A breaker that has opened ends a drain, and lets a probe through later.
for (let drains = 0; drains < MOST_DRAINS; drains++) {
  const { wakeAt } = await runDrain(deps, { owner: "giants", concurrency: 4 })
  if (wakeAt === null) break
  await wait(Math.max(0, wakeAt - deps.clock()))
}
clearInterval(sampling)
console.log(JSON.stringify(memory))
process.exit()
