import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

/** One thing a recorded provider does: say something, wait, stay silent for good, or drop the connection. */
export type Step = string | { waitMs: number } | "hang" | "reset"

/** A recorded answer. `pieceBytes` cuts what it says into pieces, also inside a character. */
export interface Recording {
  status: number
  headers: Record<string, string>
  steps: Step[]
  pieceBytes?: number
}

interface ReceivedRequest {
  method: string
  path: string
  headers: Record<string, string | string[] | undefined>
  body: Record<string, unknown>
}

export interface ReplayServer {
  url: string
  requests: ReceivedRequest[]
  /** What it answers to every request from now on; forgets the requests before. */
  play(recording: Recording): void
  /** Answers that are neither finished nor given up by the client. */
  openExchanges(): number
  close(): Promise<void>
}

/** A real HTTP server that says what a provider was heard to say. */
export async function startReplayServer(): Promise<ReplayServer> {
  const requests: ReceivedRequest[] = []
  const open = new Set<ServerResponse>()
  let recording: Recording = { status: 500, headers: {}, steps: [] }

  const server = createServer((request, response) => {
    open.add(response)
    response.on("close", () => open.delete(response))
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request
      const body: Record<string, unknown> = JSON.parse(Buffer.concat(chunks).toString() || "{}")
      requests.push({ method, path, headers, body })
      void replay(recording, response)
    })
  })
  server.on("connection", (socket) => socket.setNoDelay(true))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    play(next) {
      requests.length = 0
      recording = next
    },
    openExchanges: () => open.size,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function replay({ status, headers, steps, pieceBytes }: Recording, response: ServerResponse) {
  let begun = false
  const begin = () => {
    if (!begun) response.writeHead(status, headers).flushHeaders()
    begun = true
  }
  for (const step of steps) {
    if (response.destroyed) return
    if (step === "hang") return
    if (step === "reset") return void response.destroy()
    if (typeof step === "object") {
      await sleep(step.waitMs)
      continue
    }
    begin()
    const bytes = Buffer.from(step)
    const size = pieceBytes ?? (bytes.length || 1)
    for (let at = 0; at < bytes.length && !response.destroyed; at += size) {
      response.write(bytes.subarray(at, at + size))
      if (pieceBytes !== undefined) await new Promise(setImmediate)
    }
  }
  begin()
  response.end()
}
