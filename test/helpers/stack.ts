import { type ChildProcess, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join, resolve } from "node:path"
import { freePort } from "../../dev/port.ts"
import { eventually } from "./eventually.ts"
import { processesOf } from "./processes.ts"

export const ADMIN_KEY = "an-admin-key-for-the-tests"
const PROJECT = resolve(import.meta.dirname, "../..")
/** A guard gives its command 5 s after SIGTERM. */
export const GUARD_GRACE_MS = 8_000
const LINKED = ["package.json", "tsconfig.json", "wrangler.toml", "public", "dev", "src", "node_modules"]

/** A checkout of its own as far as the stack can tell: its own `.data` and `.dev.vars`, and its own PATH. */
export interface Checkout {
  folder: string
  /** Every process that was started here carries it in its environment. */
  marker: string
  path: string
  /** Rejects when something still runs that nothing will end; after that it does not. */
  remove(): Promise<void>
}

/** `redis` needs `redis-server` or `valkey-server`; `embedded` hides them from the stack. */
export function createCheckout(store: "redis" | "embedded"): Checkout {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "aiq-e2e-")))
  for (const name of LINKED) symlinkSync(join(PROJECT, name), join(folder, name))
  const path = join(folder, "bin")
  mkdirSync(path)
  symlinkSync(process.execPath, join(path, "node"))
  for (const program of ["npm", "sh", "env"]) symlinkSync(findProgram(program), join(path, program))
  if (store === "redis") {
    const server = installedRedis()
    if (server === null) throw new Error("no redis-server on the PATH")
    symlinkSync(server, join(path, "redis-server"))
  }
  const marker = randomUUID()
  const left = () => processesOf({ folder, marker })
  const remove = async () => {
    try {
      await eventually(() => left().length === 0, { withinMs: GUARD_GRACE_MS })
    } finally {
      for (const { pid } of left()) process.kill(pid, "SIGKILL")
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    }
  }
  return { folder, marker, path, remove }
}

/** The stores that the whole stack is to be tried with here. */
export const stackStores = (installedRedis() === null ? ["embedded"] : ["embedded", "redis"]) as (
  | "embedded"
  | "redis"
)[]

/** What is asked of a call that the simulator has got. */
interface SeenCall {
  provider: string
  /** null: it goes on. */
  result: string | null
  stream: boolean
  startedAt: number
  endedAt: number | null
}

export class Stack {
  readonly checkout: Checkout
  readonly port: number
  readonly url: string
  /** `npm start`, the leader of its process group. */
  readonly npm: ChildProcess
  /** Its exit code; 128 + n is not translated: null when a signal ended npm itself. */
  readonly exited: Promise<number | null>
  output = ""

  constructor(checkout: Checkout, port: number, env: Record<string, string> = {}) {
    this.checkout = checkout
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.npm = spawn("npm", ["start"], {
      cwd: checkout.folder,
      // Nothing of the shell: a provider's key there must never be used by a test.
      env: {
        PATH: checkout.path,
        HOME: checkout.folder,
        npm_config_update_notifier: "false",
        // Stacks are started by the dozen; most of that time Node and wrangler would compile the same again.
        NODE_COMPILE_CACHE: join(tmpdir(), "aiq-compiled"),
        AIQ_TEST_STACK: checkout.marker,
        PORT: String(port),
        ADMIN_API_KEY: ADMIN_KEY,
        DEV_CRON_MS: "300",
        ...env,
      },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    })
    this.exited = once(this.npm, "exit").then(([code]) => code as number | null)
    for (const stream of [this.npm.stdout, this.npm.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text
      })
    }
  }

  /** Until the stack has said that it is ready. */
  async ready(): Promise<this> {
    const done = this.exited.then((code) => {
      throw new Error(`npm start ended with ${code}:\n${this.output}`)
    })
    const said = eventually(() => this.output.includes("Try it"), { withinMs: 60_000 })
    await Promise.race([said, done])
    return this
  }

  /** One signal for npm, as from a supervisor, then its exit code once it has ended. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.npm.kill(signal)
    return this.exited
  }

  /** SIGKILL for every process of this checkout, at the same moment. */
  async killAll(): Promise<void> {
    for (const { pid } of processesOf(this.checkout)) {
      try {
        process.kill(pid, "SIGKILL")
      } catch {
        // It has gone with those before it.
      }
    }
    await this.exited
  }

  /** Where the bridge and the simulator of this stack listen. */
  get addresses(): { bridge: { url: string; token: string }; simulatorUrl: string | null } {
    const file = join(this.checkout.folder, ".data", `stack-${this.port}`, "stack.json")
    const { store, simulatorUrl } = JSON.parse(readFileSync(file, "utf8"))
    const bridge = { url: store.UPSTASH_REDIS_REST_URL, token: store.UPSTASH_REDIS_REST_TOKEN }
    return { bridge, simulatorUrl }
  }

  /** The calls that the simulator has got whose prompt holds the tag, oldest first. */
  async calls(tag: string): Promise<SeenCall[]> {
    const answer = await fetch(`${this.addresses.simulatorUrl}/__calls?tag=${encodeURIComponent(tag)}`)
    return ((await answer.json()) as { calls: SeenCall[] }).calls
  }

  /** The bridge's faults: POST adds the rule, GET tells them, DELETE takes them all away. */
  async faults(method: "POST" | "GET" | "DELETE", rule?: object): Promise<{ fired: number }[]> {
    const { url, token } = this.addresses.bridge
    const headers = { authorization: `Bearer ${token}` }
    const body = rule === undefined ? {} : { body: JSON.stringify(rule) }
    const answer = await fetch(`${url}/__faults`, { method, headers, ...body })
    return ((await answer.json()) as { faults: { fired: number }[] }).faults
  }
}

/** Starts a stack on a free port and waits for it. */
export async function startStack(checkout: Checkout, env: Record<string, string> = {}): Promise<Stack> {
  return new Stack(checkout, await freePort(), env).ready()
}

function installedRedis(): string | null {
  for (const program of ["redis-server", "valkey-server"]) {
    try {
      return findProgram(program)
    } catch {
      // The other one, then.
    }
  }
  return null
}

function findProgram(name: string): string {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = resolve(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Further on, perhaps.
    }
  }
  throw new Error(`${name} is not on the PATH`)
}
