import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import type { Readable, Writable } from "node:stream"
import { fileURLToPath } from "node:url"
import { TYPESCRIPT_FLAGS } from "../../dev/spawn-guarded.ts"
import type { Round } from "./contender.ts"

export interface RunningContender {
  /** Whose CPU time it takes. */
  readonly pid: number
  /** How long it took, ms. Rejects when the process ends. */
  run(round: Round): Promise<number>
  close(): Promise<void>
}

/** `module`: relative to `bench/`, calls `serveRounds`. It ends with us, for then its standard input does. */
export function spawnContender(module: string, args: string[]): RunningContender {
  const file = fileURLToPath(new URL(`../${module}`, import.meta.url))
  const child: ChildProcess & { stdin: Writable; stdout: Readable } = spawn(
    process.execPath,
    [...TYPESCRIPT_FLAGS, file, ...args],
    { stdio: ["pipe", "pipe", "inherit"] },
  )
  const exited = once(child, "exit")
  const lines = createInterface(child.stdout)
  return {
    pid: child.pid ?? Number.NaN,
    run: async (round) => {
      const line = once(lines, "line") as Promise<[string]>
      child.stdin.write(`${JSON.stringify(round)}\n`)
      const ended = exited.then(([code]) => {
        throw new Error(`${module} ended with code ${code}`)
      })
      const [text] = await Promise.race([line, ended])
      return Number(text)
    },
    close: async () => {
      child.stdin.end()
      await exited
    },
  }
}
