import { readFileSync } from "node:fs"
import type { TestStore } from "../../test/helpers/store.ts"

/** CPU time that processes have used so far, ms. */
export interface Cpu {
  /** The one that was asked; NaN where there is no `/proc`. */
  serverMs: number
  /** This thread, in which the bridge lives. */
  bridgeMs: number
  redisMs: number
}

/** The unit of `/proc/<pid>/stat` on every Linux that Node runs on. */
const TICK_MS = 10

export async function readCpu({ redis }: TestStore, pid: number): Promise<Cpu> {
  const bridge = process.threadCpuUsage()
  const info = String(await redis.sendCommand(["INFO", "cpu"]))
  const seconds = (field: string) => Number(new RegExp(`^${field}:(\\S+)`, "m").exec(info)?.[1])
  return {
    serverMs: processCpuMs(pid),
    bridgeMs: (bridge.user + bridge.system) / 1000,
    redisMs: 1000 * (seconds("used_cpu_user") + seconds("used_cpu_sys")),
  }
}

function processCpuMs(pid: number): number {
  if (process.platform !== "linux") return Number.NaN
  // The name, in brackets, may hold anything; user and system time are the 12th and 13th field after it.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? []
  return TICK_MS * (Number(fields[11]) + Number(fields[12]))
}
