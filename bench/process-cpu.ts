import { readFileSync } from "node:fs"

/** The unit of `/proc/<pid>/stat` on every Linux that Node runs on. */
const TICK_MS = 10

/** CPU time that a process has used so far, ms, in steps of 10; NaN where there is no `/proc`. */
export function processCpuMs(pid: number): number {
  if (process.platform !== "linux") return Number.NaN
  // The name, in brackets, may hold anything; user and system time are the 12th and 13th field after it.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? []
  return TICK_MS * (Number(fields[11]) + Number(fields[12]))
}
