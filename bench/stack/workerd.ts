import { readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { basename, dirname, join } from "node:path"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import { type GuardedProcess, spawnGuarded } from "../../dev/spawn-guarded.ts"

const WRANGLER_TOML = fileURLToPath(new URL("../../wrangler.toml", import.meta.url))

export interface WorkerdOptions {
  /** An ES module with everything in it. The configuration is written beside it. */
  file: string
  /** Bound as text. */
  env: Record<string, string>
  /** Binds `LANES` to the module's class `DrainLane`, which keeps its alarms in memory. */
  hasLanes: boolean
  /** Of the heap, MB; as V8 sees fit when absent. Cloudflare ends an isolate at 128. */
  maxHeapMb?: number | undefined
}

/** workerd itself, with nothing of wrangler around it. */
export interface Workerd {
  readonly url: string
  readonly pid: number
  stop(): Promise<unknown>
}

/** Serves one Worker on a free port of 127.0.0.1. Rejects with what workerd said when it will not start. */
export async function startWorkerd(options: WorkerdOptions): Promise<Workerd> {
  const { file, env } = options
  const configFile = join(dirname(file), "config.capnp")
  writeFileSync(configFile, configOf(options))
  // The listening port is told on standard output; the variables are in its environment alone.
  const command = ["serve", configFile, "--control-fd=1"]
  const running = await spawnGuarded(workerdPath(), command, { env: { ...process.env, ...env } })
  const complaints: string[] = []
  running.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaints.push(text)
    process.stderr.write(text)
  })
  const ended = running.exited.then((code) => {
    throw new Error(`workerd ended with code ${code}: ${complaints.join("")}`)
  })
  const port = await Promise.race([listeningPort(running), ended])
  return { url: `http://127.0.0.1:${port}`, pid: running.pid, stop: running.stop }
}

/** Reads on, so that what the Worker logs never stalls it. */
function listeningPort({ stdout }: GuardedProcess): Promise<number> {
  return new Promise((resolve) => {
    createInterface(stdout as Readable).on("line", (line) => {
      const port = /^\{"event":"listen","socket":"http","port":(\d+)\}$/.exec(line)?.[1]
      if (port !== undefined) resolve(Number(port))
    })
  })
}

function workerdPath(): string {
  const ofMiniflare = createRequire(import.meta.resolve("miniflare"))
  return (ofMiniflare("workerd") as { default: string }).default
}

function configOf({ file, env, hasLanes, maxHeapMb }: WorkerdOptions): string {
  const settings = readFileSync(WRANGLER_TOML, "utf8")
  const compatibilityDate = /^compatibility_date = (".*")$/m.exec(settings)?.[1]
  const compatibilityFlags = /^compatibility_flags = (\[.*\])$/m.exec(settings)?.[1]
  const bindings = Object.keys(env).map((name) => `(name = "${name}", fromEnvironment = "${name}")`)
  if (hasLanes) bindings.push('(name = "LANES", durableObjectNamespace = "DrainLane")')
  const lanes = `
  durableObjectNamespaces = [(className = "DrainLane", uniqueKey = "lanes", enableSql = true)],
  durableObjectStorage = (inMemory = void),`
  const heap = maxHeapMb === undefined ? "" : `\n  v8Flags = ["--max-heap-size=${maxHeapMb}"],`
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],${heap}
);
const main :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed ${JSON.stringify(basename(file))})],
  compatibilityDate = ${compatibilityDate},
  compatibilityFlags = ${compatibilityFlags},
  bindings = [${bindings.join(", ")}],${hasLanes ? lanes : ""}
);
`
}
