import { Redis } from "@upstash/redis/cloudflare"
import { countCommands } from "../../test/helpers/count.ts"
import { startTestStore, type TestStore } from "../../test/helpers/store.ts"
import { openTcp } from "../stack/open-tcp.ts"
import { claim, enqueue, settle } from "../textbook/queue.ts"
import type { Round } from "../throughput/contender.ts"
import { type RunningContender, spawnContender } from "../throughput/spawn-contender.ts"

const MINUTE_MS = 60_000
const STARTING_MS = 1000
/** Enough that what a worker does as it starts and ends does not show. */
const JOBS = 1000

/** Commands of one job, from added to completed. */
interface JobCosts {
  bulk: number
  singly: number
}

/** `group`: how many in a call of `addBulk`, and how many are in work at once. */
export async function measureBullmq(store: TestStore, groups: number[]): Promise<JobCosts[]> {
  const bullmq = spawnContender("peers/bullmq-process.ts", [String(await openTcp(store))])
  const of = async (round: Round) => (await countCommands(store.redis, () => bullmq.run(round))).total / JOBS
  const costs = []
  try {
    for (const amount of groups) {
      const singly = await of({ act: "addSingly", count: JOBS, amount: 1 })
      const bulk = await of({ act: "addInBulk", count: JOBS, amount })
      // All that was added, singly and in bulk.
      const work = (await of({ act: "work", count: 2 * JOBS, amount })) / 2
      costs.push({ bulk: bulk + work, singly: singly + work })
    }
  } finally {
    await bullmq.close()
  }
  return costs
}

/** Of one worker for a minute, on a store of its own. */
export async function measureIdleWorker(who: "BullMQ" | "Node worker"): Promise<number> {
  const store = await startTestStore("redis")
  const worker: RunningContender =
    who === "BullMQ"
      ? spawnContender("peers/bullmq-process.ts", [String(await openTcp(store))])
      : spawnContender("throughput/queue-process.ts", [store.url, store.token])
  try {
    const commands = async (ms: number) =>
      (await countCommands(store.redis, () => worker.run({ act: "idle", count: 1, amount: ms }))).total
    // Without what a worker does as it starts and ends.
    const brief = await commands(STARTING_MS)
    return (await commands(STARTING_MS + MINUTE_MS)) - brief
  } finally {
    await worker.close()
    await store.close()
  }
}

/** It groups nothing, so a request costs the same however many there are. */
export async function measureTextbook({
  url,
  token,
  redis,
}: TestStore): Promise<{ request: number; look: number }> {
  const client = new Redis({ url, token, enableTelemetry: false })
  const provider = "openai"
  const request = await countCommands(redis, async () => {
    await enqueue(client, { provider, messages: [] })
    const requestId = await claim(client, provider)
    if (requestId !== null) await settle(client, requestId, "{}")
  })
  const look = await countCommands(redis, () => claim(client, provider))
  return { request: request.total, look: look.total }
}
