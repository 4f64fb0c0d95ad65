import { once } from "node:events"
import { Worker } from "node:worker_threads"

/** Calls to make, and how. */
export interface LoadJob {
  url: string
  headers: Record<string, string>
  /** Posted in turn. */
  bodies: string[]
  /** How many calls are under way at any moment, each on a connection of its own that is kept. */
  concurrency: number
  /** Begun before it ends. At least one for each connection. */
  calls: number
  /** No call begins after this, however few there were. */
  maxMs: number
}

export interface LoadResult {
  /** Of each call, from the first byte sent until the answer has been read, ms. */
  latenciesMs: number[]
  elapsedMs: number
  /** CPU time of the thread that made the calls, ms. */
  clientCpuMs: number
}

/** Makes HTTP calls from a thread of its own, so that nothing else waits in their event loop. */
export interface Load {
  /** Rejects when any answer is not 2xx. */
  run(job: LoadJob): Promise<LoadResult>
  close(): Promise<void>
}

export function startLoad(): Load {
  const thread = new Worker(new URL("./load-thread.ts", import.meta.url))
  return {
    run: async (job) => {
      thread.postMessage(job)
      const [reply] = (await once(thread, "message")) as [LoadResult | { error: string }]
      if ("error" in reply) throw new Error(reply.error)
      return reply
    },
    close: async () => {
      await thread.terminate()
    },
  }
}
