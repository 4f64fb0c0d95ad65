import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join, resolve } from "node:path"
import { ADMIN_KEY } from "../helpers/stack.ts"

const PROJECT = resolve(import.meta.dirname, "../..")
export const LAUNCHER = join(PROJECT, "bin/ai-request-queue.mjs")

export interface CliOptions {
  url: string
  env?: Record<string, string>
  /** What comes in on stdin; default: nothing, and it is closed. */
  stdin?: string
}

export interface CliResult {
  code: number | null
  stdout: string
  stderr: string
}

/** A command that runs: as its own process, with nothing of the shell's environment. */
export interface RunningCli {
  process: ChildProcess
  /** What it has printed so far. */
  output: { stdout: string; stderr: string }
  ended: Promise<CliResult>
}

export function startCli(args: string[], { url, env = {}, stdin = "" }: CliOptions): RunningCli {
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    env: { AIQ_URL: url, AIQ_API_KEY: ADMIN_KEY, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  })
  // A command that does not read it may be gone before it is written.
  child.stdin.on("error", () => undefined).end(stdin)
  const output = { stdout: "", stderr: "" }
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text
    })
  }
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, ...output }))
  return { process: child, output, ended }
}

export function runCli(args: string[], options: CliOptions): Promise<CliResult> {
  return startCli(args, options).ended
}
