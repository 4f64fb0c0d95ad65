import type { ClaimedRequest } from "../../src/queue/contract.ts"
import { CLAIM, settlement } from "../../test/helpers/queue.ts"
import type { RawRedis } from "../../test/helpers/store.ts"
import type { Scene } from "./scene.ts"

/** In the order of a round, which leaves as many pending as it found. */
export const OPERATIONS = ["enqueue", "status", "stats", "claim", "settle"] as const
export type Operation = (typeof OPERATIONS)[number]

/** Of one operation in one scene; means of a burst, one per round. */
export interface Times {
  /** From the call to its answer, through the bridge, ms. */
  tripMs: number[]
  /** That the script itself took inside Redis, µs. */
  scriptUs: number[]
}

export type SceneTimes = Record<Operation, Times>

/** One after the other, because a store that has just given way to others finds its processor's caches cold. */
const BURST = 5
const WARM_UP = 5

/** Bursts of every operation in turns over the scenes, each round beginning with another one. */
export async function measureOperations(scenes: Scene[], rounds: number): Promise<Map<Scene, SceneTimes>> {
  const times = new Map(scenes.map((scene) => [scene, emptyTimes()]))
  const held = new Map(scenes.map((scene): [Scene, ClaimedRequest[]] => [scene, []]))
  for (let round = 0; round < WARM_UP + rounds; round++) {
    for (const operation of OPERATIONS) {
      const first = round % scenes.length
      for (const scene of [...scenes.slice(first), ...scenes.slice(0, first)]) {
        const calls = Array.from({ length: BURST }, () => prepare(scene, operation, held.get(scene) ?? []))
        const before = await scriptTime(scene.store.redis)
        const startedAt = performance.now()
        for (const call of calls) await call()
        const tripMs = performance.now() - startedAt
        const scriptUs = (await scriptTime(scene.store.redis)) - before
        if (round < WARM_UP) continue
        times.get(scene)?.[operation].tripMs.push(tripMs / BURST)
        times.get(scene)?.[operation].scriptUs.push(scriptUs / BURST)
      }
    }
  }
  return times
}

function emptyTimes(): SceneTimes {
  return Object.fromEntries(
    OPERATIONS.map((operation): [Operation, Times] => [operation, { tripMs: [], scriptUs: [] }]),
  ) as SceneTimes
}

/** Makes what the call needs before the clock starts; `held` are the requests claimed and not settled yet. */
function prepare(
  { queue, next, anyId, gone }: Scene,
  operation: Operation,
  held: ClaimedRequest[],
): () => Promise<unknown> {
  switch (operation) {
    case "enqueue": {
      const request = next()
      return () => queue.enqueue([request])
    }
    case "status": {
      const id = anyId()
      return async () => {
        const status = await queue.status(id, null)
        if (status?.state !== "pending") throw new Error(`${id} is ${status?.state}, not pending.`)
      }
    }
    case "stats":
      return () => queue.stats()
    case "claim":
      return async () => {
        const [claimed] = (await queue.claim({ ...CLAIM, limit: 1 })).requests
        if (claimed === undefined) throw new Error("Nothing could be claimed.")
        gone(claimed.lease.requestId)
        held.push(claimed)
      }
    case "settle": {
      const claimed = held.pop()
      if (claimed === undefined) throw new Error("Nothing was claimed.")
      const settled = settlement(claimed, "completed")
      return () => queue.settle([settled])
    }
  }
}

/** µs that all scripts have taken so far, by Redis's own count. */
async function scriptTime(redis: RawRedis): Promise<number> {
  const info = String(await redis.sendCommand(["INFO", "commandstats"]))
  return Number(/^cmdstat_evalsha:calls=\d+,usec=(\d+)/m.exec(info)?.[1] ?? 0)
}
