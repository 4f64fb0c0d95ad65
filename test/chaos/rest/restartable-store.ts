import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Bridge, startBridge } from "../../../dev/bridge/bridge.ts"
import { type Store, startStore } from "../../../dev/store.ts"
import { connectRaw, type TestStore } from "../../helpers/store.ts"

/** A real Redis that keeps its data in an append-only file, and can be killed; its REST address stays the same. */
export interface RestartableStore extends TestStore {
  /** SIGKILL, in the middle of whatever it does: from now on nobody answers. */
  kill(): Promise<void>
  /** Comes up again with all that was acknowledged, or empty. */
  start(data: "kept" | "lost"): Promise<void>
}

export async function startRestartableStore(): Promise<RestartableStore> {
  const dataDir = await mkdtemp(join(tmpdir(), "aiq-restart-"))
  const port = await findFreePort()
  const open = async () => {
    const store = await startStore({ kind: "redis", dataDir })
    const bridge = await startBridge({ ...store.address, token: "test-token", port })
    return { store, bridge, redis: await connectRaw(store.address) }
  }
  let running: { store: Store; bridge: Bridge; redis: TestStore["redis"] } = await open()
  const kill = async () => {
    if (running.store.pid === undefined) throw new Error("the store is no process of ours")
    process.kill(running.store.pid, "SIGKILL")
    running.redis.destroy()
    await running.bridge.close()
    await running.store.close()
  }
  return {
    get address() {
      return running.store.address
    },
    get bridge() {
      return running.bridge
    },
    get redis() {
      return running.redis
    },
    url: running.bridge.url,
    token: running.bridge.token,
    kill,
    start: async (data) => {
      if (data === "lost") await rm(dataDir, { recursive: true })
      running = await open()
    },
    flush: async () => {
      await running.redis.sendCommand(["FLUSHALL"])
    },
    close: async () => {
      running.redis.destroy()
      await running.bridge.close()
      await running.store.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}
