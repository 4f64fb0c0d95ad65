import { execFileSync } from "node:child_process"
import { accessSync, constants, existsSync } from "node:fs"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join, resolve } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { type GuardedProcess, spawnGuarded } from "./spawn-guarded.ts"
import type { Store } from "./store.ts"

/** An installed server: Redis, or Valkey, which takes the same arguments. */
export interface RedisServer {
  path: string
  /** Such as `Redis 7.0.15`. */
  name: string
}

/** Loading a large append-only file takes a while. */
const START_TIMEOUT_MS = 60_000
/** How long a predecessor may still answer before it is told to stop, and how long it may then take to go. */
const PREDECESSOR_ANSWERING_MS = 2_000
const PREDECESSOR_STOPPING_MS = 10_000
const POLL_MS = 20
/** Holds the socket path of the server that uses a data directory: two on one directory would ruin its file. */
const OWNER_FILE = "store.socket"

/** The first of `redis-server` and `valkey-server` on the PATH that runs, or null. */
export function findRedisServer(): RedisServer | null {
  for (const program of ["redis-server", "valkey-server"]) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, program)
      try {
        accessSync(path, constants.X_OK)
        const version = execFileSync(path, ["--version"], { encoding: "utf8", timeout: 5_000 })
        const number = /v=(\S+)/.exec(version)?.[1] ?? ""
        return { path, name: `${program === "redis-server" ? "Redis" : "Valkey"} ${number}`.trim() }
      } catch {
        // Not there, or it does not run here: look further.
      }
    }
  }
  return null
}

/** Starts a server that listens on a Unix socket alone and keeps its data in `dataDir`, if there is one. */
export async function startRedisServer(server: RedisServer, dataDir: string | undefined): Promise<Store> {
  // A socket's path is limited to about 107 bytes, so it lives in the temporary folder and not beside the data.
  const scratch = await mkdtemp(join(tmpdir(), "aiq-"))
  const socketPath = join(scratch, "redis.sock")
  const folder = dataDir === undefined ? scratch : resolve(dataDir)
  let running: GuardedProcess | null = null
  try {
    if (dataDir !== undefined) await takeOver(folder, socketPath)
    running = await spawnGuarded(server.path, redisArguments(folder, socketPath, dataDir !== undefined))
    const lastWords = collect(running)
    await Promise.race([
      untilAnswering(socketPath),
      running.exited.then((code) => {
        throw new Error(`${server.name} ended with code ${code}: ${lastWords()}`)
      }),
    ])
  } catch (error) {
    await running?.stop()
    await rm(scratch, { recursive: true, force: true })
    throw error
  }
  const { pid, stop } = running
  return {
    kind: "redis",
    description:
      dataDir === undefined ? `${server.name}, forgets on exit` : `${server.name}, data in ${folder}`,
    address: { socketPath },
    pid,
    close: async () => {
      await stop()
      await rm(scratch, { recursive: true, force: true })
    },
  }
}

function redisArguments(folder: string, socketPath: string, keep: boolean): string[] {
  return [
    ...["--port", "0", "--unixsocket", socketPath, "--unixsocketperm", "700"],
    ...["--dir", folder, "--save", "", "--appendonly", keep ? "yes" : "no", "--appendfsync", "everysec"],
    ...["--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "warning"],
  ]
}

/** Waits for a predecessor on the same data to be gone (it may still be flushing), then signs as its user. */
async function takeOver(folder: string, socketPath: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const ownerFile = join(folder, OWNER_FILE)
  const predecessor = existsSync(ownerFile) ? await readFile(ownerFile, "utf8") : null
  const started = Date.now()
  for (let state = await ping(predecessor); state !== "absent"; state = await ping(predecessor)) {
    if (Date.now() - started > (state === "ready" ? PREDECESSOR_ANSWERING_MS : PREDECESSOR_STOPPING_MS)) {
      throw new Error(`${folder} is in use by another stack; stop that one first`)
    }
    await wait(POLL_MS)
  }
  await writeFile(ownerFile, socketPath)
}

async function untilAnswering(socketPath: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while ((await ping(socketPath)) !== "ready") {
    if (Date.now() > deadline) throw new Error(`the store did not answer within ${START_TIMEOUT_MS / 1000} s`)
    await wait(POLL_MS)
  }
}

/** `busy`: there is a server, but it is loading or stopping. */
function ping(socketPath: string | null): Promise<"ready" | "busy" | "absent"> {
  if (socketPath === null) return Promise.resolve("absent")
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    let connected = false
    socket.setTimeout(1_000, () => socket.destroy())
    socket.once("connect", () => {
      connected = true
      socket.write("PING\r\n")
    })
    socket.once("data", (reply) => {
      resolve(String(reply).startsWith("+PONG") ? "ready" : "busy")
      socket.destroy()
    })
    socket.once("error", () => undefined)
    socket.once("close", () => resolve(connected ? "busy" : "absent"))
  })
}

/** Reads what the server prints, so that it never stalls; the result gives the end of it. */
function collect(running: GuardedProcess): () => string {
  let text = ""
  for (const stream of [running.stdout, running.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-2_000)
    })
  }
  return () => text.trim().split("\n").slice(-3).join(" | ")
}
