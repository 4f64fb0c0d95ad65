import { readdirSync, readFileSync } from "node:fs"

export interface RunningProcess {
  pid: number
  command: string
}

/**
 * The processes whose environment holds `marker`: whoever inherited it, in whatever process group, under whatever
 * parent. Linux alone; a zombie runs no more and is not counted.
 */
export function processesMarked(marker: string): RunningProcess[] {
  const found: RunningProcess[] = []
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue
    try {
      if (!readFileSync(`/proc/${name}/environ`, "utf8").includes(marker)) continue
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim()
      found.push({ pid: Number(name), command })
    } catch {
      // It ended meanwhile, or is someone else's.
    }
  }
  return found
}
