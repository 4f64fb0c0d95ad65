import { readFileSync } from "node:fs"
import type { TestStore } from "../test/helpers/store.ts"

/** The unit of `/proc/<pid>/stat` on every Linux that Node runs on. */
const TICK_MS = 10

/** CPU time, ms. */
export interface Cpu {
  /** Of the process that was named; NaN where there is no `/proc`. */
  serverMs: number
  /** Of this thread, in which the bridge lives. */
  bridgeMs: number
  redisMs: number
}

/** What a run gives, and what it took of each process. */
export async function countCpu<Result>(
  store: TestStore,
  pid: number,
  run: () => Promise<Result>,
): Promise<{ result: Result; cpu: Cpu }> {
  const before = await readCpu(store, pid)
  const result = await run()
  const after = await readCpu(store, pid)
  const cpu = {
    serverMs: after.serverMs - before.serverMs,
    bridgeMs: after.bridgeMs - before.bridgeMs,
    redisMs: after.redisMs - before.redisMs,
  }
  return { result, cpu }
}

async function readCpu({ redis }: TestStore, pid: number): Promise<Cpu> {
  const bridge = process.threadCpuUsage()
  const info = String(await redis.sendCommand(["INFO", "cpu"]))
  const seconds = (field: string) => Number(new RegExp(`^${field}:(\\S+)`, "m").exec(info)?.[1])
  return {
    serverMs: processCpuMs(pid),
    bridgeMs: (bridge.user + bridge.system) / 1000,
    redisMs: 1000 * (seconds("used_cpu_user") + seconds("used_cpu_sys")),
  }
}

/** CPU time that a process has used so far, ms, in steps of 10; NaN where there is no `/proc`. */
export function processCpuMs(pid: number): number {
  if (process.platform !== "linux") return Number.NaN
  // The name, in brackets, may hold anything; user and system time are the 12th and 13th field after it.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? []
  return TICK_MS * (Number(fields[11]) + Number(fields[12]))
}
