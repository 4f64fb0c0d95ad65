import type { TestStore } from "../../test/helpers/store.ts"
import { processCpuMs } from "../process-cpu.ts"

/** CPU time that processes have used so far, ms. */
export interface Cpu {
  /** The one that was asked; NaN where there is no `/proc`. */
  serverMs: number
  /** This thread, in which the bridge lives. */
  bridgeMs: number
  redisMs: number
}

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
