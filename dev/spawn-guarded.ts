import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { fileURLToPath } from "node:url"

interface SpawnOptions {
  cwd?: string
  /** The command's whole environment; ours when absent. */
  env?: NodeJS.ProcessEnv
  /** Where stdout and stderr go. `pipe` (default) must be read, or the command stalls once 64 kB wait. */
  output?: "pipe" | "inherit" | "ignore"
}

/** A command that ends with us, however we end. */
export interface GuardedProcess {
  /** The command's own pid, which is also its process group. */
  readonly pid: number
  /** Null unless `output` is `pipe`. */
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  /** Its exit code, or 128 + the signal's number; settles once its whole process group is gone. */
  readonly exited: Promise<number>
  /** Ends the whole group: SIGTERM, SIGKILL after 5 s. Resolves with the exit code; may be repeated. */
  stop(): Promise<number>
}

/** For Node that runs a file of ours. */
export const TYPESCRIPT_FLAGS = ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"]

const GUARD = fileURLToPath(new URL("./child-guard.mjs", import.meta.url))

/**
 * Starts a command under `child-guard.mjs`, so that it and its descendants never outlive this process,
 * not even when it is killed with SIGKILL, alone or with its process group, at any moment.
 * Costs one idle Node process (about 40 MB, 50 ms to start) for each command.
 * Rejects when the command cannot be started, naming it.
 */
export async function spawnGuarded(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<GuardedProcess> {
  const output = options.output ?? "pipe"
  const guard = spawn(process.execPath, [GUARD, command, ...args], {
    // Its own group too: a kill of ours must not take along the one who cleans up.
    detached: true,
    windowsHide: true,
    stdio: ["pipe", output, output, "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  })
  const exited = exitCode(guard)
  const stop = () => {
    guard.stdin?.end()
    return exited
  }
  const report = await Promise.race([
    firstLine(guard.stdio[3] as Readable),
    exited.then((code) => `{"error":"exit code ${code}"}`),
  ])
  const { pid, error } = JSON.parse(report) as { pid?: number; error?: string }
  if (pid === undefined) {
    await stop()
    throw new Error(`cannot start ${command}: ${error}`)
  }
  return { pid, stdout: guard.stdout, stderr: guard.stderr, exited, stop }
}

async function exitCode(guard: ChildProcess): Promise<number> {
  const [code] = (await once(guard, "exit")) as [number | null]
  return code ?? 1
}

/** Reads on after it, so that whoever writes never stalls. */
export async function firstLine(stream: Readable): Promise<string> {
  const [line] = (await once(createInterface(stream), "line")) as [string]
  return line
}
