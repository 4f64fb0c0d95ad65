import { freePort } from "../../dev/port.ts"
import type { TestStore } from "../../test/helpers/store.ts"

/** Lets the store, which listens on a Unix socket, be reached over TCP too, as BullMQ wants it. Gives the port. */
export async function openTcp({ redis }: TestStore): Promise<number> {
  const port = await freePort()
  await redis.sendCommand(["CONFIG", "SET", "bind", "127.0.0.1"])
  await redis.sendCommand(["CONFIG", "SET", "port", String(port)])
  return port
}
