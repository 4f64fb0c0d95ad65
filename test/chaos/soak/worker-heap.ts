import { once } from "node:events"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { PROXY, type Watched } from "./processes.ts"

/** The heap of the queue's Worker in workerd, told apart from those that `wrangler dev` puts around it. */
export interface WorkerHeap {
  /** Bytes that are left once all that is collectable is collected; null: no answer, an isolate that rests gives none. */
  measure(): Promise<number | null>
  close(): void
}

interface Answer {
  id?: number
  result?: { usedSize?: number }
}

const ANSWER_WITHIN_MS = 4_000
/** wrangler's own; each isolate has another one, but that serves a single client, which is wrangler. */
const DESCRIPTION = "workers"
/** What wrangler lets debug. */
const HEADERS = { origin: "http://localhost" }
const LISTENING = "0A"

/** Attaches to wrangler's inspector. Throws when there is none. */
export async function attachToWorker(processes: Watched[]): Promise<WorkerHeap> {
  const proxy = processes.find(({ name }) => name === PROXY)
  const ports = proxy === undefined ? [] : listeningPorts(proxy.pid)
  const targets = (await Promise.all(ports.map(readTargets))).flat()
  const worker = targets.find(({ description }) => description === DESCRIPTION)
  if (worker === undefined) throw new Error("wrangler has no inspector")
  const socket = new WebSocket(worker.webSocketDebuggerUrl, { headers: HEADERS })
  await once(socket, "open")
  const waiting = new Map<number, (answer: Answer | null) => void>()
  let asked = 0
  socket.addEventListener("message", ({ data }) => {
    const answer: Answer = JSON.parse(String(data))
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
  })

  async function ask(method: string): Promise<Answer | null> {
    asked += 1
    const id = asked
    const { promise, resolve } = Promise.withResolvers<Answer | null>()
    waiting.set(id, resolve)
    const timer = setTimeout(() => resolve(null), ANSWER_WITHIN_MS)
    socket.send(JSON.stringify({ id, method }))
    return promise.finally(() => {
      clearTimeout(timer)
      waiting.delete(id)
    })
  }

  return {
    measure: async () => {
      if ((await ask("HeapProfiler.collectGarbage")) === null) return null
      return (await ask("Runtime.getHeapUsage"))?.result?.usedSize ?? null
    },
    close: () => socket.close(),
  }
}

async function readTargets(port: number): Promise<{ description: string; webSocketDebuggerUrl: string }[]> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/json`, { signal: AbortSignal.timeout(5_000) })
    const targets: unknown = await answer.json()
    return Array.isArray(targets) ? targets : []
  } catch {
    // A port that speaks no HTTP, or no JSON.
    return []
  }
}

/** The free ports that a process has chosen are told nowhere but in the kernel's tables. */
function listeningPorts(pid: number): number[] {
  const own = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => readlink(`/proc/${pid}/fd/${fd}`)))
  const [, ...rows] = readFileSync(`/proc/${pid}/net/tcp`, "utf8").trim().split("\n")
  return rows.flatMap((row) => {
    const [, local = "", , state, , , , , , inode] = row.trim().split(/\s+/)
    if (state !== LISTENING || !own.has(`socket:[${inode}]`)) return []
    return [Number.parseInt(local.split(":")[1] ?? "", 16)]
  })
}

function readlink(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    // It was closed meanwhile.
    return ""
  }
}
