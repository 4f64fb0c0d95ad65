import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startBridge } from "../../dev/bridge/bridge.ts"
import { spawnGuarded } from "../../dev/spawn-guarded.ts"
import { findRedisServer } from "../../dev/store-redis.ts"
import { eventually } from "../helpers/eventually.ts"
import { connectRaw, type TestStore } from "../helpers/store.ts"

/** A real Redis with an append-only file, always at the same address; the bridge before it outlives it. */
export interface KillableStore extends TestStore {
  /** SIGKILL, in the middle of whatever it does. */
  kill(): Promise<void>
  /** Comes up again with what its append-only file holds, or empty. Resolves once it answers. */
  start(data: "kept" | "lost"): Promise<void>
}

export async function startKillableStore(): Promise<KillableStore> {
  const folder = mkdtempSync(join(tmpdir(), "aiq-"))
  const [socketPath, dataDir] = [join(folder, "redis.sock"), join(folder, "data")]
  let { running, redis } = await startRedis(socketPath, dataDir)
  const bridge = await startBridge({ socketPath, token: "test-token", control: true })
  return {
    ...{ address: { socketPath }, bridge, url: bridge.url, token: bridge.token },
    get redis() {
      return redis
    },
    flush: async () => void (await redis.flushAll()),
    kill: async () => {
      redis.destroy()
      process.kill(running.pid, "SIGKILL")
      await running.exited
    },
    start: async (data) => {
      if (data === "lost") rmSync(dataDir, { recursive: true })
      ;({ running, redis } = await startRedis(socketPath, dataDir))
    },
    close: async () => {
      redis.destroy()
      await bridge.close()
      await running.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function startRedis(socketPath: string, dataDir: string) {
  const server = findRedisServer()
  if (server === null) throw new Error("no redis-server on the PATH")
  mkdirSync(dataDir, { recursive: true })
  const settings = [
    ...["--port", "0", "--unixsocket", socketPath, "--loglevel", "warning"],
    ...["--dir", dataDir, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"],
  ]
  const running = await spawnGuarded(server.path, settings, { output: "ignore" })
  // Loading takes a while; until then it answers LOADING.
  const redis = await eventually(async () => {
    const client = await connectRaw({ socketPath })
    return client.ping().then(
      () => client,
      () => client.destroy(),
    )
  })
  if (redis === undefined) throw new Error(`${server.name} does not answer`)
  return { running, redis }
}
