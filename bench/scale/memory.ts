import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { TYPESCRIPT_FLAGS } from "../../dev/spawn-guarded.ts"
import { keyBytes, type RawRedis, type TestStore, usedBytes } from "../../test/helpers/store.ts"
import { mean } from "../median.ts"
import { fill } from "./requests.ts"
import { openQueue, startLargeStore } from "./stores.ts"

const FILL_BULLMQ = fileURLToPath(new URL("../peers/fill-bullmq.ts", import.meta.url))
/** Keys of a kind are alike: so many of them tell what all take. */
const SAMPLE = 500

export interface Memory {
  who: string
  pending: number
  /** Bytes per pending request: all that Redis holds more than before. */
  perRequest: number
  /** The same by kind of key, largest first. */
  kinds: [kind: string, bytesPerRequest: number][]
}

interface Holder {
  who: string
  fill(store: TestStore, count: number): Promise<void>
  /** Names the kind of a key. */
  kindOf(key: string): string
}

const QUEUE: Holder = {
  who: "this queue",
  fill: (store, count) => fill(openQueue(store), count),
  kindOf: (key) => key.split(":")[2] ?? key,
}

/** What BullMQ keeps of a job that has these options. */
function bullmq(who: string, options: object): Holder {
  return {
    who,
    fill: async ({ address }, count) => {
      if (!("socketPath" in address)) throw new Error("The benchmarks' Redis listens on a socket.")
      const args = [address.socketPath, String(count), JSON.stringify(options)]
      await promisify(execFile)(process.execPath, [...TYPESCRIPT_FLAGS, FILL_BULLMQ, ...args])
    },
    kindOf: (key) => key.split(":")[2]?.replace(/^\d+$/, "job") ?? key,
  }
}

const HOLDERS = [QUEUE, bullmq("BullMQ, prioritized", { priority: 3 }), bullmq("BullMQ, plain", {})]

/** What an object of several fields takes depends on a Redis's own hash seed, by 2 %. */
const STORES = 3

/** Everyone in turn on the same Redis, emptied between them, size by size; means over several of them. */
export async function measureMemory(sizes: number[], report: (line: string) => void): Promise<Memory[]> {
  const found: Memory[] = []
  for (let i = 1; i <= STORES; i++) {
    report(`memory: store ${i} of ${STORES}`)
    const store = await startLargeStore()
    try {
      for (const pending of sizes) {
        for (const holder of HOLDERS) found.push(await measure(store, holder, pending))
      }
    } finally {
      await store.close()
    }
  }
  return [...Map.groupBy(found, ({ who, pending }) => `${who} ${pending}`).values()].map(average)
}

function average(same: Memory[]): Memory {
  const [first] = same
  if (first === undefined) throw new Error("Nothing was measured.")
  const ofKind = (kind: string) => same.map(({ kinds }) => kinds.find(([name]) => name === kind)?.[1] ?? 0)
  return {
    ...first,
    perRequest: mean(same.map(({ perRequest }) => perRequest)),
    kinds: first.kinds.map(([kind]) => [kind, mean(ofKind(kind))]),
  }
}

async function measure(store: TestStore, holder: Holder, pending: number): Promise<Memory> {
  // The connections' buffers and the scripts are there before and after.
  await holder.fill(store, 1)
  await store.flush()
  const before = await usedBytes(store.redis)
  await holder.fill(store, pending)
  const perRequest = ((await usedBytes(store.redis)) - before) / pending
  const sizes = await kindSizes(store.redis, holder.kindOf)
  await store.flush()
  const inKeys = [...sizes].map(([name, bytes]): [string, number] => [name, bytes / pending])
  const rest = perRequest - inKeys.reduce((sum, [, bytes]) => sum + bytes, 0)
  const all: [string, number][] = [...inKeys, ["not in keys", rest]]
  return { who: holder.who, pending, perRequest, kinds: all.toSorted(([, a], [, b]) => b - a) }
}

/** Bytes by Redis's own measure, of a sample of each kind's keys times their number. */
async function kindSizes(redis: RawRedis, kindOf: (key: string) => string): Promise<Map<string, number>> {
  const keys = Map.groupBy(await redis.sendCommand<string[]>(["KEYS", "*"]), kindOf)
  const sizes = new Map<string, number>()
  for (const [kind, members] of keys) {
    const sample = members.slice(0, SAMPLE)
    const each = mean((await keyBytes(redis, sample)).map((bytes) => bytes ?? 0))
    sizes.set(kind, each * members.length)
  }
  return sizes
}
