import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { StoreAddress } from "../store.ts"
import { type BridgeCounters, createCounters } from "./counters.ts"
import { FaultInjector, type Faults } from "./faults.ts"
import { createHandler } from "./handle-request.ts"
import { KeySizes } from "./key-sizes.ts"
import { connectRedis } from "./redis-connection.ts"

export type BridgeOptions = StoreAddress & {
  token: string
  /** Default 127.0.0.1. */
  host?: string
  /** Default 0: any free one. */
  port?: number
  /** Serve `/__faults` and `/__counters`, for tests in other processes. Default false. */
  control?: boolean
  /** Default 10 MB, as at Upstash: an HTTP request's body, and one command's reply. */
  maxRequestBytes?: number
  /** Default 100 MB, as on Upstash's small plans; see `KeySizes` for how close it is. */
  maxKeyBytes?: number
}

export interface Bridge {
  readonly url: string
  readonly token: string
  readonly counters: BridgeCounters
  readonly faults: Faults
  /** Ends every connection at once; what is in flight may have been executed. */
  close(): Promise<void>
}

const MB = 1024 * 1024
/** Longer than any client keeps a connection it does not use, so that a reuse never meets a closing socket. */
const KEEP_ALIVE_MS = 120_000

/**
 * Serves Upstash's REST protocol in front of a Redis, and can be told to fail (`faults`).
 * Throws `StoreUnreachable` when there is no Redis, and the listen error when the port is taken.
 */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const { token, maxRequestBytes = 10 * MB, maxKeyBytes = 100 * MB, host = "127.0.0.1" } = options
  const redis = await connectRedis(options)
  const faults = new FaultInjector()
  const counters = createCounters()
  const keySizes = new KeySizes(redis, maxKeyBytes)
  const control = options.control === true
  const handle = createHandler({ token, control, maxRequestBytes, redis, keySizes, faults, counters })
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true }, handle)
  server.listen(options.port ?? 0, host)
  try {
    await once(server, "listening")
  } catch (error) {
    redis.close()
    throw error
  }
  const { port } = server.address() as AddressInfo

  return {
    url: `http://${host}:${port}`,
    token,
    counters,
    faults,
    close: async () => {
      if (!server.listening) return
      const closed = once(server, "close")
      server.close()
      server.closeAllConnections()
      redis.close()
      await closed
    },
  }
}
