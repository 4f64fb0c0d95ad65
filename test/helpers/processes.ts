import { readdirSync, readFileSync, readlinkSync } from "node:fs"

export interface RunningProcess {
  pid: number
  command: string
}

/** What a process holds in memory now, as the kernel counts it. Throws once it has ended. Linux alone. */
export function residentBytes(pid: number): number {
  return memoryOf(pid, "VmRSS")
}

/** The most that it ever held. */
export function peakBytes(pid: number): number {
  return memoryOf(pid, "VmHWM")
}

function memoryOf(pid: number, figure: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  return 1024 * Number(new RegExp(`^${figure}:\\s+(\\d+) kB`, "m").exec(status)?.[1])
}

/**
 * The processes of one checkout, in whatever process group, under whatever parent: whoever inherited `marker` in the
 * environment, or works in `folder` (redis-server writes its title over its environment). Linux alone; a zombie runs
 * no more and is not counted.
 */
export function processesOf({ marker, folder }: { marker: string; folder: string }): RunningProcess[] {
  const found: RunningProcess[] = []
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue
    try {
      const isOurs =
        readlinkSync(`/proc/${name}/cwd`).startsWith(folder) ||
        readFileSync(`/proc/${name}/environ`, "utf8").includes(marker)
      if (!isOurs) continue
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim()
      found.push({ pid: Number(name), command })
    } catch {
      // It ended meanwhile, or is someone else's.
    }
  }
  return found
}
