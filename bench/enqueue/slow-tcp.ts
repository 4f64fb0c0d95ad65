import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/** A way to a TCP server on this machine. */
export interface SlowTcp {
  port: number
  close(): Promise<void>
}

/**
 * Passes everything on, and holds each piece of an answer for `delayMs`: what a round trip of that length costs whoever
 * sends commands without waiting for the answers of those before, as ioredis does.
 */
export async function startSlowTcp(targetPort: number, delayMs: number): Promise<SlowTcp> {
  const open = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    const target = connect({ port: targetPort, host: "127.0.0.1", noDelay: true })
    for (const socket of [client, target]) {
      open.add(socket)
      socket.on("close", () => open.delete(socket)).on("error", () => socket.destroy())
    }
    client.pipe(target)
    // Timers of one duration fire in the order in which they were set.
    target.on("data", (answer) => setTimeout(() => client.write(answer), delayMs))
    target.on("end", () => setTimeout(() => client.end(), delayMs))
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, "close")
      server.close()
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}
