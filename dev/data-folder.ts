import { createHash } from "node:crypto"
import { once } from "node:events"
import { mkdirSync, realpathSync, rmSync } from "node:fs"
import { connect, createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A folder that no other stack uses. */
export interface DataFolder {
  path: string
  /** Null when it is the usual one; else why it is not. */
  note: string | null
  release(): void
}

/**
 * Takes the folder for the store's data. It is `.data/store` whatever the port, so that a restart elsewhere finds
 * everything; a stack that starts beside a running one gets a folder of its own.
 * Throws when that one is taken too.
 */
export async function takeDataFolder(root: string, port: number): Promise<DataFolder> {
  const usual = join(root, ".data", "store")
  const release = await take(usual)
  if (release !== null) return { path: usual, note: null, release }
  const own = join(root, ".data", `store-${port}`)
  const releaseOwn = await take(own)
  if (releaseOwn === null) throw new Error(`${own} is in use by another stack: stop that one first`)
  return { path: own, note: `${usual} is in use by another stack`, release: releaseOwn }
}

/** A listening socket is the lock: the system gives it up with the process, however that ends. */
async function take(folder: string): Promise<(() => void) | null> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const name = createHash("sha256").update(realpathSync(folder)).digest("hex").slice(0, 24)
  const address = socketAddress(`aiq-${name}`)
  const server = (await listen(address)) ?? ((await isAbandoned(address)) ? await listen(address) : null)
  if (server === null) return null
  server.unref()
  return () => void server.close()
}

function socketAddress(name: string): string {
  if (process.platform === "linux") return `\0${name}`
  return process.platform === "win32" ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.lock`)
}

async function listen(address: string): Promise<Server | null> {
  const server = createServer((socket) => socket.destroy()).listen(address)
  try {
    await once(server, "listening")
    return server
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return null
    throw error
  }
}

/** Where sockets are files, one outlives a process that was killed. */
async function isAbandoned(address: string): Promise<boolean> {
  if (process.platform === "linux" || process.platform === "win32") return false
  const socket = connect(address)
  try {
    await once(socket, "connect")
    return false
  } catch {
    rmSync(address, { force: true })
    return true
  } finally {
    socket.destroy()
  }
}
