import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { processesOf, type RunningProcess, residentBytes } from "../../helpers/processes.ts"
import type { Checkout } from "../../helpers/stack.ts"

export interface Watched {
  pid: number
  /** What people know it by. */
  name: string
}

/** `wrangler dev` runs two: one for the Worker, and one that passes calls on to it. */
export const WORKER = "workerd of the Worker"
export const PROXY = "workerd of wrangler's proxy"

const NAMES: [pattern: RegExp, name: string][] = [
  [/dev\/start\.ts/, "bridge, simulator, ticker (Node)"],
  [/child-guard\.mjs/, "guard"],
  [/wrangler.* dev /, "wrangler (Node)"],
  [/workerd.* --inspector-addr=/, WORKER],
  [/workerd/, PROXY],
  [/esbuild/, "esbuild"],
  [/redis-server|valkey-server/, "Redis"],
]
/** They wait for others to end and do nothing else. */
const IDLE = /^npm start|^sh -c/

/** The processes that do the stack's work. Several of a name are numbered, the oldest first. */
export function watchedProcesses(checkout: Checkout): Watched[] {
  const all = processesOf(checkout).filter(({ command }) => !IDLE.test(command))
  const named = all.toSorted((a, b) => a.pid - b.pid).map((one) => ({ pid: one.pid, name: nameOf(one) }))
  return named.map(({ pid, name }) => {
    const namesakes = named.filter((other) => other.name === name)
    const number = namesakes.findIndex((other) => other.pid === pid) + 1
    return { pid, name: namesakes.length === 1 ? name : `${name} ${number}` }
  })
}

function nameOf({ command }: RunningProcess): string {
  const known = NAMES.find(([pattern]) => pattern.test(command))
  if (known === undefined) throw new Error(`the stack runs something unknown: ${command}`)
  return known[1]
}

/** Bytes in memory. Throws when the process has ended: in a soak none may. */
export function watchedBytes({ pid, name }: Watched): number {
  try {
    return residentBytes(pid)
  } catch {
    throw new Error(`${name} has ended (a change in src makes wrangler start it anew)`)
  }
}

/** Bytes that a full collection, a few seconds ago, left of a Node process's heap; null: not Node, or none yet. */
export function heapBytes(folder: string, { pid }: Watched): number | null {
  const file = join(folder, String(pid))
  return existsSync(file) ? Number(readFileSync(file, "utf8")) || null : null
}
