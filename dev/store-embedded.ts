import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Worker } from "node:worker_threads"
import type { Store } from "./store.ts"

/**
 * Starts the embedded store: a Redis in JavaScript, in memory, for machines that have none. It runs in a
 * thread, so that a long script stalls neither the bridge nor `close`, and dies with this process.
 * Slow past a few thousand entries in one sorted set; its scripts have 64 MB of memory, and one that runs
 * out of it spoils the store for good.
 */
export async function startEmbeddedStore(): Promise<Store> {
  const scratch = await mkdtemp(join(tmpdir(), "aiq-"))
  const socketPath =
    process.platform === "win32"
      ? `\\\\.\\pipe\\aiq-${process.pid}-${Date.now()}`
      : join(scratch, "redis.sock")
  const worker = new Worker(new URL("./embedded-store.mjs", import.meta.url), { workerData: { socketPath } })
  const close = async () => {
    await worker.terminate()
    await rm(scratch, { recursive: true, force: true })
  }
  try {
    await once(worker, "message")
  } catch (error) {
    await close()
    throw error
  }
  return {
    kind: "embedded",
    description: "the embedded store: in memory, forgets on exit, meant for small queues",
    address: { socketPath },
    close,
  }
}
