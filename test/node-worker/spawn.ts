import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { AIQueueWorkerOptions } from "../../src/worker/index.ts"

export interface WorkerProcess {
  kill(signal: NodeJS.Signals): void
  /** How it ended: its code and signal, how many requests each worker ended, and what it said on stderr. */
  exited: Promise<{ code: number | null; signal: string | null; processed: number[]; errors: string }>
}

/** Workers in a process of their own, once they have started. Only what JSON holds of the options. */
export async function spawnWorkers(count: number, options: AIQueueWorkerOptions): Promise<WorkerProcess> {
  const file = join(import.meta.dirname, "worker-process.ts")
  const child = spawn(process.execPath, [file, String(count), JSON.stringify(options)], {
    // Nothing of the shell.
    env: { NODE_OPTIONS: "--disable-warning=ExperimentalWarning" },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let errors = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text
  })
  let last = "[]"
  const lines = createInterface({ input: child.stdout }).on("line", (line) => {
    last = line
  })
  const exited = once(child, "close").then(([code, signal]) => ({
    ...{ code: code as number | null, signal: signal as string | null },
    ...{ processed: JSON.parse(last) as number[], errors },
  }))
  const failed = exited.then((end) => Promise.reject(new Error(JSON.stringify(end))))
  await Promise.race([once(lines, "line"), failed])
  failed.catch(() => {})
  return { kill: (signal) => void child.kill(signal), exited }
}
