import { createServer } from "node:net"
import { setTimeout as wait } from "node:timers/promises"

const POLL_MS = 50
/** How long the children of a stack that was killed may hold the port: their guard's grace, and a bit. */
const PREDECESSOR_TIMEOUT_MS = 7_000

/**
 * Makes sure that the port is free. When `afterKill`, the children of a stack that was killed may still be ending.
 * Throws an error that says what to do.
 */
export async function claimPort(port: number, afterKill: boolean): Promise<void> {
  const deadline = Date.now() + (afterKill ? PREDECESSOR_TIMEOUT_MS : 0)
  for (;;) {
    const code = await probePort(port)
    if (code === null) return
    if (code !== "EADDRINUSE") throw new Error(`PORT: cannot listen on 127.0.0.1:${port} (${code})`)
    if (Date.now() >= deadline) {
      throw new Error(
        `PORT: ${port} is in use: stop what listens there, or set another, such as PORT=${port + 1}`,
      )
    }
    await wait(POLL_MS)
  }
}

/** Below those that systems give to outgoing connections, which could take one between its choice and its use. */
const FIRST_PORT = 20_000
const PORTS = 12_000
const TRIES = 100

/** One that nobody listens on. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < TRIES; tried++) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS)
    if ((await probePort(port)) === null) return port
  }
  throw new Error(`no port is free of ${TRIES} that were tried`)
}

/** Null when one can listen there, else the error's code. */
function probePort(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(null)))
  })
}
