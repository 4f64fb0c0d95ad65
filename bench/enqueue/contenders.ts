import type { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import { firstLine, spawnGuarded, TYPESCRIPT_FLAGS } from "../../dev/spawn-guarded.ts"
import type { TestStore } from "../../test/helpers/store.ts"
import { ADMIN_KEY, startBareWorker, startOwnWorker } from "../stack/bare-worker.ts"
import { openTcp } from "../stack/open-tcp.ts"
import { startSlowTcp } from "./slow-tcp.ts"

/** Something that takes requests over HTTP, at the same paths. */
export interface Contender {
  name: "PING" | "queue" | "textbook" | "BullMQ"
  url: string
  pid: number
}

export interface Contenders {
  all: Contender[]
  stop(): Promise<void>
}

const BULLMQ_SERVER = fileURLToPath(new URL("../peers/bullmq-server.ts", import.meta.url))

/** Starts all of them over one Redis. `delayMs`: in each answer of the store, over REST and TCP alike; 0: none. */
export async function startContenders(store: TestStore, delayMs: number): Promise<Contenders> {
  // Nobody drains: the peers have no worker either.
  const env = { OPENAI_BASE_URL: "http://127.0.0.1:9", DRAIN_LANES: "0" }
  const ping = await startOwnWorker("ping", { store })
  const queue = await startBareWorker({ store, env })
  const textbook = await startOwnWorker("textbook", { store })
  const port = await openTcp(store)
  const slow = delayMs === 0 ? null : await startSlowTcp(port, delayMs)
  const bullmq = await startBullmq(slow?.port ?? port)
  if (delayMs > 0) store.bridge.faults.inject({ fault: "delay", when: "after", delayMs })
  return {
    all: [
      { name: "PING", ...ping },
      { name: "queue", ...queue },
      { name: "textbook", ...textbook },
      { name: "BullMQ", ...bullmq },
    ],
    stop: async () => {
      store.bridge.faults.clear()
      await Promise.all([ping, queue, textbook, bullmq].map((each) => each.stop()))
      await slow?.close()
    },
  }
}

async function startBullmq(redisPort: number) {
  const env = { ...process.env, ADMIN_API_KEY: ADMIN_KEY, REDIS_URL: `redis://127.0.0.1:${redisPort}` }
  const running = await spawnGuarded(process.execPath, [...TYPESCRIPT_FLAGS, BULLMQ_SERVER], { env })
  running.stderr?.pipe(process.stderr)
  const url = await firstLine(running.stdout as Readable)
  return { url, pid: running.pid, stop: running.stop }
}
