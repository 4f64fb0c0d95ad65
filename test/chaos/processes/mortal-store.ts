import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startBridge } from "../../../dev/bridge/bridge.ts"
import { type GuardedProcess, spawnGuarded } from "../../../dev/spawn-guarded.ts"
import { findRedisServer } from "../../../dev/store-redis.ts"
import { eventually } from "../../helpers/eventually.ts"
import { connectRaw, type TestStore } from "../../helpers/store.ts"

export interface MortalStore extends TestStore {
  /** SIGKILL, and a start from what its append-only file holds; the bridge stays. Resolves once it answers. */
  crash(): Promise<void>
}

/** A Redis with an append-only file behind the bridge, always at the same address. */
export async function startMortalStore(): Promise<MortalStore> {
  const server = findRedisServer()
  if (server === null) throw new Error("no redis-server on the PATH")
  const folder = mkdtempSync(join(tmpdir(), "aiq-"))
  const socketPath = join(folder, "redis.sock")
  const start = async () => {
    const running = await spawnGuarded(
      server.path,
      [
        ...[
          "--port",
          "0",
          "--unixsocket",
          socketPath,
          "--dir",
          folder,
          "--save",
          "",
          "--loglevel",
          "warning",
        ],
        ...["--appendonly", "yes", "--appendfsync", "everysec"],
      ],
      { output: "ignore" },
    )
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
  let current: { running: GuardedProcess; redis: TestStore["redis"] } = await start()
  const bridge = await startBridge({ socketPath, token: "test-token", control: true })
  return {
    ...{ address: { socketPath }, bridge, url: bridge.url, token: bridge.token },
    get redis() {
      return current.redis
    },
    flush: async () => void (await current.redis.flushAll()),
    crash: async () => {
      current.redis.destroy()
      process.kill(current.running.pid, "SIGKILL")
      await current.running.exited
      current = await start()
    },
    close: async () => {
      current.redis.destroy()
      await bridge.close()
      await current.running.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
