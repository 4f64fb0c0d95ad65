import type { TestProject } from "vitest/node"
import { startSimulator } from "../../dev/simulator/simulator.ts"
import { storesUnderTest } from "./store.ts"

/** What the Worker of the tests runs with. */
export interface WorkerVariables extends Record<string, string> {
  ADMIN_API_KEY: string
  QUEUE_NAME: string
  UPSTASH_REDIS_REST_URL: string
  UPSTASH_REDIS_REST_TOKEN: string
  DRAIN_LANES: string
  DRAIN_CONCURRENCY: string
  ALLOW_SIMULATOR: string
  SIMULATOR_URL: string
}

declare module "vitest" {
  export interface ProvidedContext {
    workerVariables: WorkerVariables
  }
}

/** One store, bridge and simulator for all tests inside workerd; each test has its own queue in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stores = storesUnderTest()
  const store = await (stores.find(({ name }) => name === "redis") ?? stores[0])?.start()
  if (store === undefined) throw new Error("there is no store to test with")
  const simulator = await startSimulator({ latencyMs: 5, tokensPerSecond: 0 })
  project.provide("workerVariables", {
    ADMIN_API_KEY: "an-admin-key-for-the-tests",
    QUEUE_NAME: "worker",
    UPSTASH_REDIS_REST_URL: store.url,
    UPSTASH_REDIS_REST_TOKEN: store.token,
    DRAIN_LANES: "2",
    DRAIN_CONCURRENCY: "3",
    ALLOW_SIMULATOR: "1",
    SIMULATOR_URL: simulator.url,
  })
  return async () => {
    await simulator.close()
    await store.close()
  }
}
