import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"
import { type AIQueueWorkerOptions, startAIQueueWorkers } from "../../src/worker/index.ts"
import { chat, createApi } from "../helpers/requests.ts"
import { type Checkout, createCheckout, type Stack, stackStores, startStack } from "../helpers/stack.ts"
import { spawnWorkers } from "../node-worker/spawn.ts"

const COUNT = 300

/** One for the Worker and the workers, so that every call is seen. */
let simulator: Simulator
let providers: Record<string, string>
beforeAll(async () => {
  simulator = await startSimulator({ latencyMs: 300, tokensPerSecond: 0 })
  const { openai, anthropic, deepseek } = simulator.baseUrls
  providers = { OPENAI_BASE_URL: openai, ANTHROPIC_BASE_URL: anthropic, DEEPSEEK_BASE_URL: deepseek }
})
afterAll(() => simulator.close())

describe.runIf(stackStores.includes("redis"))(
  "workers in Node beside the deployed Worker, on one queue",
  () => {
    let checkout: Checkout
    let stack: Stack
    let options: AIQueueWorkerOptions
    beforeEach(async () => {
      checkout = createCheckout("redis")
      stack = await startStack(checkout, { ...providers, DRAIN_LANES: "2", DRAIN_CONCURRENCY: "4" })
      const { url, token } = stack.addresses.bridge
      options = { redis: { url, token }, queueName: "dev", env: providers, concurrency: 2 }
    })
    afterEach(async () => {
      await stack.stop()
      await checkout.remove()
    })

    /** Every request has one outcome after one call; gives how many calls there were by others than the Worker. */
    async function drainTogether(label: string): Promise<void> {
      const names = ["openai", "anthropic", "deepseek"]
      const asks = Array.from({ length: COUNT }, (_, i) => chat(names[i % 3] ?? "", `${label} ${i}.`))
      const api = createApi(stack.url)
      const requests = await api.completed(await api.enqueueBulk(asks), 60_000)
      expect(requests.map(({ attempts }) => attempts.length)).toEqual(asks.map(() => 1))
      const calls = simulator.calls.filter(({ tag }) => tag.includes(label))
      expect(new Set(calls.map(({ tag }) => tag)).size).toBe(COUNT)
      expect(calls).toHaveLength(COUNT)
    }

    /** Each did its part, and the Worker did the rest. */
    function expectShares(processed: number[]): void {
      const total = processed.reduce((sum, count) => sum + count)
      console.info(`${processed.join(" + ")} by the workers, ${COUNT - total} by the Worker`)
      expect(total).toBeGreaterThan(0)
      expect(total).toBeLessThan(COUNT)
      expect(Math.min(...processed)).toBeGreaterThanOrEqual(total / 5)
    }

    it("three in one process take their shares", async () => {
      const workers = await startAIQueueWorkers(3, options)
      try {
        await drainTogether("three in one")
      } finally {
        await Promise.all(workers.map((worker) => worker.stop()))
      }
      expectShares(workers.map((worker) => worker.getStats().processed))
    })

    it("three processes take their shares", async () => {
      const processes = await Promise.all([1, 2, 3].map(() => spawnWorkers(1, options)))
      try {
        await drainTogether("three processes")
      } finally {
        for (const each of processes) each.kill("SIGTERM")
      }
      const ends = await Promise.all(processes.map(({ exited }) => exited))
      expect(ends.map(({ code }) => code)).toEqual([0, 0, 0])
      expectShares(ends.flatMap(({ processed }) => processed))
    })
  },
)
