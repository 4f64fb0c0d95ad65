import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { writeEnvFile } from "./dev-vars.ts"
import { spawnGuarded } from "./spawn-guarded.ts"
import { createWorkerOutput, type OutputOptions } from "./worker-output.ts"

export interface WorkerOptions {
  root: string
  port: number
  /** The stack's own folder, for wrangler's state and the Worker's variables. */
  stateFolder: string
  vars: Record<string, string>
  output: OutputOptions
}

export interface DevWorker {
  readonly origin: string
  /** Resolves when `GET /v1/health` answers 200; rejects with wrangler's last words when it will not. */
  ready(signal: AbortSignal): Promise<void>
  /** Resolves when wrangler ended, with what to tell. */
  readonly ended: Promise<string>
  close(): Promise<void>
}

const READY_TIMEOUT_MS = 60_000
const POLL_MS = 50

/** Starts the Worker in `wrangler dev` on 127.0.0.1. Its variables go through a private file, never `ps`. */
export async function startWorker({
  root,
  port,
  stateFolder,
  vars,
  output,
}: WorkerOptions): Promise<DevWorker> {
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 })
  const envFile = join(stateFolder, "worker.env")
  writeEnvFile(envFile, vars)
  const lines = createWorkerOutput(output)
  const running = await spawnGuarded(process.execPath, wranglerArguments(port, envFile, stateFolder), {
    cwd: root,
    env: wranglerEnvironment(stateFolder, Object.keys(vars)),
  })
  const drained = Promise.all([lines.read(running.stdout), lines.read(running.stderr)])
  const origin = `http://127.0.0.1:${port}`
  /** With everything that wrangler said, which may arrive after its end. */
  const ended = running.exited.then(async (code) => {
    await drained
    return `wrangler dev ended with code ${code}\n${lines.tail()}`
  })
  const ready = async (signal: AbortSignal) => {
    const problem = await Promise.race([untilHealthy(origin, () => lines.failed, signal), ended])
    if (problem !== null) {
      await running.stop()
      await drained
      throw new Error(`the Worker does not start: ${problem.split("\n")[0]}\n${lines.tail()}`)
    }
    lines.goLive()
  }
  const close = async () => {
    await running.stop()
    rmSync(envFile, { force: true })
  }
  return { origin, ready, ended, close }
}

function wranglerArguments(port: number, envFile: string, stateFolder: string): string[] {
  return [
    // wrangler's own entry: its launcher would be one process more.
    ...["--no-warnings", fileURLToPath(import.meta.resolve("wrangler")), "dev"],
    ...["--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"],
    ...["--env-file", envFile, "--persist-to", join(stateFolder, "wrangler")],
    ...["--log-level", "log", "--show-interactive-dev-session=false"],
  ]
}

/** No look-up leaves this machine, and two stacks share no registry. The variables in the file are not repeated. */
function wranglerEnvironment(stateFolder: string, inFile: string[]): NodeJS.ProcessEnv {
  const shell = Object.entries(process.env).filter(([name]) => !inFile.includes(name))
  return {
    ...Object.fromEntries(shell),
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_WRITE_LOGS: "false",
    X_LOCAL_OBSERVABILITY: "false",
    XDG_CONFIG_HOME: join(stateFolder, "config"),
  }
}

/** Null, or why it will not be. */
async function untilHealthy(
  origin: string,
  hasFailed: () => boolean,
  signal: AbortSignal,
): Promise<string | null> {
  const deadline = Date.now() + READY_TIMEOUT_MS
  let last = "no answer"
  while (Date.now() < deadline) {
    signal.throwIfAborted()
    if (hasFailed()) return "wrangler dev reports an error"
    try {
      const answer = await fetch(`${origin}/v1/health`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
      })
      await answer.body?.cancel()
      if (answer.status === 200) return null
      last = `status ${answer.status}`
    } catch {
      // Not listening yet.
    }
    await wait(POLL_MS)
  }
  return `GET ${origin}/v1/health did not answer 200 within ${READY_TIMEOUT_MS / 1000} s: ${last}`
}
