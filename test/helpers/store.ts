import { createClient } from "redis"
import { type Bridge, startBridge } from "../../dev/bridge/bridge.ts"
import { type StoreAddress, startStore } from "../../dev/store.ts"
import { findRedisServer } from "../../dev/store-redis.ts"

export type StoreKind = "embedded" | "redis"

export interface TestStore {
  /** Where the store itself listens. */
  address: StoreAddress
  bridge: Bridge
  /** For `@upstash/redis`. */
  url: string
  token: string
  /** Straight to the store, past the bridge: for asserting what is stored and for `INFO commandstats`. */
  redis: RawRedis
  /** Empties the store, its script cache excepted, and forgets counters and faults. */
  flush(): Promise<void>
  close(): Promise<void>
}

export type RawRedis = Awaited<ReturnType<typeof connectRaw>>

let announced = false

/** Every store a suite must hold on: the embedded one always, a real Redis where one is installed. */
export function storesUnderTest(): { name: StoreKind; start(): Promise<TestStore> }[] {
  const server = findRedisServer()
  if (!announced) console.info(`store suites: embedded${server === null ? "" : `, ${server.name}`}`)
  announced = true
  const names: StoreKind[] = server === null ? ["embedded"] : ["embedded", "redis"]
  return names.map((name) => ({ name, start: () => startTestStore(name) }))
}

/** The better one alone, for suites of what stands above the queue: that both stores do the same, the queue's own suites tell. */
export function bestStoreUnderTest(): ReturnType<typeof storesUnderTest> {
  return storesUnderTest().slice(-1)
}

/** A real Redis where one is installed, else the embedded store. */
export function startBestStore(): Promise<TestStore> {
  return startTestStore(findRedisServer() === null ? "embedded" : "redis")
}

/** A fresh, empty store with its bridge; one per test file, and `flush()` between tests. */
export async function startTestStore(
  kind: StoreKind,
  limits: { maxRequestBytes?: number; maxKeyBytes?: number } = {},
): Promise<TestStore> {
  const store = await startStore({ kind })
  const bridge = await startBridge({ ...store.address, token: "test-token", control: true, ...limits })
  const redis = await connectRaw(store.address)
  return {
    address: store.address,
    bridge,
    url: bridge.url,
    token: bridge.token,
    redis,
    flush: async () => {
      await redis.sendCommand(["FLUSHALL"])
      bridge.faults.clear()
      bridge.counters.reset()
    },
    close: async () => {
      redis.destroy()
      await bridge.close()
      await store.close()
    },
  }
}

/** What the store itself says that it holds, bytes: a real Redis alone. */
export async function usedBytes(redis: RawRedis): Promise<number> {
  const info = String(await redis.sendCommand(["INFO", "memory"]))
  return Number(/^used_memory:(\d+)/m.exec(info)?.[1])
}

/** Of these keys, in their order, to the last member; null: it is gone. */
export function keyBytes(redis: RawRedis, keys: string[]): Promise<(number | null)[]> {
  return Promise.all(
    keys.map((key) => redis.sendCommand<number | null>(["MEMORY", "USAGE", key, "SAMPLES", "0"])),
  )
}

export async function connectRaw(address: StoreAddress) {
  const client = createClient({
    ...("socketPath" in address
      ? { socket: { path: address.socketPath, tls: false, reconnectStrategy: false } }
      : { url: address.redisUrl }),
    RESP: 2,
    disableClientInfo: true,
  })
  // The store goes away at the end of a suite; a command that meets the loss fails by itself.
  client.on("error", () => undefined)
  await client.connect()
  return client
}
