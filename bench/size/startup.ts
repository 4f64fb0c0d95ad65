import { readFileSync } from "node:fs"
import { join } from "node:path"
import { processCpuMs } from "../cpu.ts"
import { ADMIN_KEY } from "../stack/bare-worker.ts"
import { startWorkerd } from "../stack/workerd.ts"
import { runWrangler } from "../stack/wrangler.ts"

export interface Start {
  /** From starting workerd until it has answered once. */
  ms: number
  /** Of workerd until then. */
  cpuMs: number
}

/** What is answered does not matter; no store is asked. */
export async function timeFirstAnswer(file: string): Promise<Start> {
  const startedAt = performance.now()
  const worker = await startWorkerd({ file, env: VARIABLES, hasLanes: false })
  const answer = await fetch(`${worker.url}/none`)
  await answer.arrayBuffer()
  const start = { ms: performance.now() - startedAt, cpuMs: processCpuMs(worker.pid) }
  await worker.stop()
  return start
}

const VARIABLES = {
  ADMIN_API_KEY: ADMIN_KEY,
  UPSTASH_REDIS_REST_URL: "http://127.0.0.1:9",
  UPSTASH_REDIS_REST_TOKEN: "none",
}

/** A V8 CPU profile, of which only this is needed. Times in µs. */
interface Profile {
  nodes: { id: number; callFrame: { functionName: string } }[]
  samples: number[]
  timeDeltas: number[]
}

/** CPU time of the Worker's start, as `wrangler check startup` profiles it, ms. */
export function profileStartup(folder: string): number {
  const file = join(folder, "startup.cpuprofile")
  runWrangler(["check", "startup", "--outfile", file], folder)
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, "utf8")) as Profile
  const idle = nodes.find(({ callFrame }) => callFrame.functionName === "(idle)")?.id
  const us = samples.reduce((sum, id, i) => sum + (id === idle ? 0 : (timeDeltas[i + 1] ?? 0)), 0)
  return us / 1000
}
