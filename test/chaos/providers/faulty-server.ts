import { once } from "node:events"
import { type AddressInfo, createServer, type Socket } from "node:net"
import { setTimeout as wait } from "node:timers/promises"

/** The provider's side of one call. */
export interface Conversation {
  /** Resolves when there is room for more; rejects once the caller has left. */
  write(bytes: string | Uint8Array): Promise<void>
  wait(ms: number): Promise<void>
  /** Until the caller leaves, which nobody but the caller decides. */
  hang(): Promise<void>
  /** Breaks the connection: RST instead of FIN. */
  reset(): void
}

type Play = (conversation: Conversation) => Promise<void>

/** What a provider does with each call. */
export interface Fault {
  play: Play
  /** It answers as soon as it sees a call, whatever of the body is still to come. Default: false. */
  isHasty?: boolean
}

export interface FaultyServer {
  readonly url: string
  /** Calls so far, by the fault's name. */
  calls(name: string): number
  /** Bytes that callers took, by the fault's name. */
  sentBytes(name: string): number
  /** Connections that nobody has closed. */
  openConnections(): number
  close(): Promise<void>
}

/** A provider of bytes: `<url>/<name>/…` is answered by the fault of that name, in whatever is no HTTP. */
export async function startFaultyServer(faults: ReadonlyMap<string, Fault>): Promise<FaultyServer> {
  const sockets = new Set<Socket>()
  const calls = new Map<string, number>()
  const sent = new Map<string, number>()

  const serve = async (socket: Socket) => {
    const target = await readHead(socket)
    const name = target.path.split("/")[1] ?? ""
    const fault = faults.get(name)
    if (fault === undefined) throw new Error(`nothing is known of ${target.path}`)
    calls.set(name, (calls.get(name) ?? 0) + 1)
    if (fault.isHasty !== true) await target.body()
    await fault.play(converse(socket, (bytes) => sent.set(name, (sent.get(name) ?? 0) + bytes)))
    socket.end()
  }
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
    // Callers may leave as they like; whoever says no more has left.
    socket.on("error", () => undefined)
    socket.on("end", () => socket.destroy())
    serve(socket).catch(() => socket.destroy())
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: (name) => calls.get(name) ?? 0,
    sentBytes: (name) => sent.get(name) ?? 0,
    openConnections: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, "close")
    },
  }
}

/** `body` resolves when the whole body is there. */
async function readHead(socket: Socket): Promise<{ path: string; body: () => Promise<void> }> {
  let received = Buffer.alloc(0)
  const isMissing = () => !received.includes("\r\n\r\n")
  await new Promise<void>((resolve, reject) => {
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (!isMissing()) resolve()
    })
    socket.on("close", () => reject(new Error("no request came")))
  })
  const headLength = received.indexOf("\r\n\r\n") + 4
  const head = received.subarray(0, headLength).toString()
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
  return {
    path: head.split(" ")[1] ?? "/",
    body: async () => {
      while (received.length < headLength + length) await once(socket, "data")
    },
  }
}

function converse(socket: Socket, count: (bytes: number) => void): Conversation {
  const gone = once(socket, "close").then(() => {
    throw new Error("the caller has left")
  })
  gone.catch(() => undefined)
  return {
    write: async (bytes) => {
      if (socket.destroyed) throw new Error("the caller has left")
      count(bytes.length)
      if (!socket.write(bytes)) await Promise.race([once(socket, "drain"), gone])
    },
    wait: (ms) => Promise.race([wait(ms), gone]),
    hang: () => gone,
    reset: () => socket.resetAndDestroy(),
  }
}
