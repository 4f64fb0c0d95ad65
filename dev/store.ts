import { startEmbeddedStore } from "./store-embedded.ts"
import { findRedisServer, startRedisServer } from "./store-redis.ts"

/** How to reach a Redis. A URL may hold credentials: never print it. */
export type StoreAddress = { redisUrl: string } | { socketPath: string }

export interface StoreOptions {
  /** Default `auto`: a real Redis when `redis-server` or `valkey-server` is on the PATH, else the embedded one. */
  kind?: "redis" | "embedded" | "auto"
  /** Where a real Redis keeps its data, so that a restart loses nothing; without it everything is ephemeral. */
  dataDir?: string
  /** Use this Redis and start none. */
  redisUrl?: string
}

export interface Store {
  readonly kind: "redis" | "embedded"
  /** One line for people: what it is and whether it forgets. */
  readonly description: string
  readonly address: StoreAddress
  /** The server's process; absent when it is not a process of ours. */
  readonly pid?: number
  /** Stops what was started; data in `dataDir` is flushed first. */
  close(): Promise<void>
}

/**
 * Brings up the store behind the bridge. What it starts never outlives this process.
 * Throws when a real Redis is asked for and none is installed, or when it does not come up (with its last words).
 */
export async function startStore(options: StoreOptions = {}): Promise<Store> {
  const { kind = "auto", dataDir, redisUrl } = options
  if (redisUrl !== undefined) return useRedis(redisUrl)
  if (kind === "embedded") return startEmbeddedStore()
  const server = findRedisServer()
  if (server !== null) return startRedisServer(server, dataDir)
  if (kind === "redis") throw new Error("neither redis-server nor valkey-server is on the PATH")
  return startEmbeddedStore()
}

function useRedis(redisUrl: string): Store {
  const { hostname, port } = new URL(redisUrl)
  return {
    kind: "redis",
    description: `the Redis at ${hostname}:${port || 6379}`,
    address: { redisUrl },
    close: async () => undefined,
  }
}
