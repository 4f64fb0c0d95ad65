import { createClient, ErrorReply, RESP_TYPES } from "redis"
import type { StoreAddress } from "../store.ts"
import type { Command } from "./commands.ts"

/** A RESP2 reply. Status replies are strings, bulk strings Buffers (they may hold any bytes). */
export type Reply = null | number | string | Buffer | ErrorReply | Reply[]

/** One pipelined connection to Redis, shared by every HTTP request. */
export interface RedisConnection {
  /** An error reply is returned, not thrown. Throws `StoreUnreachable`, after which it may have been executed. */
  send(command: Command): Promise<Reply>
  /** MULTI … EXEC, nothing in between: the replies, or why it was discarded as a whole. */
  transaction(commands: Command[]): Promise<Reply[] | ErrorReply>
  close(): void
}

/** Redis cannot be reached, or went away before it answered. */
export class StoreUnreachable extends Error {
  override readonly name = "StoreUnreachable"
}

/** Connects, or throws `StoreUnreachable` at once; later losses are reconnected in the background. */
export async function connectRedis(address: StoreAddress): Promise<RedisConnection> {
  let connected = false
  const reconnectStrategy = (retries: number, cause: Error) =>
    connected ? Math.min(retries * 20, 500) : cause
  const client = createClient({
    ...("socketPath" in address
      ? { socket: { path: address.socketPath, tls: false, reconnectStrategy } }
      : { url: address.redisUrl, socket: { reconnectStrategy } }),
    RESP: 2,
    disableClientInfo: true,
    maintNotifications: "disabled",
    // A request fails at once while Redis is away, as it would at Upstash, instead of being kept for later.
    disableOfflineQueue: true,
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  })
  // Every request that meets the loss reports it.
  client.on("error", () => undefined)
  try {
    await client.connect()
  } catch (cause) {
    throw unreachable(cause)
  }
  connected = true

  async function send(command: Command, chainId?: symbol): Promise<Reply> {
    try {
      return await client.sendCommand<Reply>(command, chainId === undefined ? undefined : { chainId })
    } catch (error) {
      if (error instanceof ErrorReply) return error
      throw unreachable(error)
    }
  }

  async function transaction(commands: Command[]): Promise<Reply[] | ErrorReply> {
    // The chain id keeps a reconnection from sending the rest of the chain without its MULTI.
    const chainId = Symbol("transaction")
    const replies = await Promise.all(
      [["MULTI"], ...commands, ["EXEC"]].map((command) => send(command, chainId)),
    )
    const results = replies.at(-1)
    if (Array.isArray(results)) return results
    const firstError = replies.find((reply) => reply instanceof ErrorReply)
    return firstError ?? new ErrorReply("EXECABORT Transaction discarded")
  }

  return { send: (command) => send(command), transaction, close: () => client.destroy() }
}

function unreachable(cause: unknown): StoreUnreachable {
  return new StoreUnreachable("ERR store unreachable", { cause })
}
