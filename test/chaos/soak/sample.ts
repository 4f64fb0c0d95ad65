import { setTimeout as wait } from "node:timers/promises"
import { type RawRedis, usedBytes } from "../../helpers/store.ts"
import { heapBytes, type Watched, WORKER, watchedBytes } from "./processes.ts"
import { type Families, keptLong, readFamilies } from "./redis.ts"
import type { Point } from "./slope.ts"
import type { WorkerHeap } from "./worker-heap.ts"

export interface Series {
  name: string
  unit: "MiB" | "keys"
  /** Whether its slope must be small; if not, why. */
  judged: true | string
  points: Point[]
}

export interface Samples {
  series: Series[]
  /** At the first sample that counts, and at the last. */
  families: { minute: number; families: Families }[]
}

const EVERY_MS = 5_000
const MIB = 2 ** 20

const NET_MEMORY = "Redis: memory in use, without what is kept long"
const NOT_JUDGED: [name: string, why: string][] = [
  ["Redis", "its allocator holds what is kept long as well; judged is what it uses"],
  ["esbuild", "it watches files for `wrangler dev`, and none changes"],
]
const GROWS = "idempotency keys (24 h) and the audit (10,000 entries) are kept long by contract"

/** Samples every 5 s until told to stop; minutes count from now. Rejects when a process has ended. */
export async function takeSamples(
  processes: Watched[],
  {
    redis,
    heaps,
    workerHeap,
    settledAt,
    signal,
  }: { redis: RawRedis; heaps: string; workerHeap: WorkerHeap; settledAt: number; signal: AbortSignal },
): Promise<Samples> {
  const series = new Map<string, Series>()
  const families: Samples["families"] = []
  const startedAt = Date.now()
  const add = (minute: number, name: string, value: number, judged: Series["judged"] = true) => {
    const unit = name.endsWith("keys") ? "keys" : "MiB"
    const own = series.get(name) ?? { name, unit, judged, points: [] }
    series.set(name, own)
    own.points.push([minute, unit === "MiB" ? value / MIB : value])
  }
  for (let i = 0; !signal.aborted; i++) {
    const minute = (Date.now() - startedAt) / 60_000
    for (const one of processes) {
      add(
        minute,
        one.name,
        watchedBytes(one),
        NOT_JUDGED.find(([name]) => one.name.startsWith(name))?.[1] ?? true,
      )
      const heap = one.name === WORKER ? await workerHeap.measure() : heapBytes(heaps, one)
      if (heap !== null) add(minute, `${one.name}: heap after a full collection`, heap)
    }
    const [used, now] = [await usedBytes(redis), await readFamilies(redis)]
    const long = keptLong(now)
    const keys = Object.values(now).reduce((sum, family) => sum + family.keys, 0)
    add(minute, "Redis: memory in use", used, GROWS)
    add(minute, NET_MEMORY, used - long.bytes)
    add(minute, "Redis: keys", keys, GROWS)
    add(minute, "Redis, without what is kept long: keys", keys - long.keys)
    if (minute >= settledAt) families.splice(1, 1, { minute, families: now })
    const nextAt = startedAt + (i + 1) * EVERY_MS
    await wait(Math.max(0, nextAt - Date.now()), undefined, { signal }).catch(() => undefined)
  }
  return { series: [...series.values()], families }
}
