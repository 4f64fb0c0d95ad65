import type { ClaimedRequest } from "../../src/queue/contract.ts"
import { CLAIM, settlement } from "../../test/helpers/queue.ts"
import type { RawRedis } from "../../test/helpers/store.ts"
import type { Scene } from "./scene.ts"

/** In the order of a round, which leaves as many pending as it found. */
export const OPERATIONS = ["enqueue", "status", "stats", "claim", "settle"] as const
export type Operation = (typeof OPERATIONS)[number]

/** One entry per round. */
export interface Times {
  /** From the call to its answer, through the bridge, ms. */
  tripMs: number[]
  /** That the script itself took inside Redis, µs. */
  scriptUs: number[]
}

export type SceneTimes = Record<Operation, Times>

const WARM_UP = 20

/** Every operation in turns over the scenes, each round beginning with another one. */
export async function measureOperations(scenes: Scene[], rounds: number): Promise<Map<Scene, SceneTimes>> {
  const times = new Map(scenes.map((scene) => [scene, emptyTimes()]))
  const held = new Map<Scene, ClaimedRequest>()
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const operation of OPERATIONS) {
      for (const i of scenes.keys()) {
        const scene = scenes[(i + round + WARM_UP) % scenes.length]
        if (scene === undefined) continue
        const run = prepare(scene, operation, held)
        const before = await scriptTime(scene.store.redis)
        const startedAt = performance.now()
        await run()
        const tripMs = performance.now() - startedAt
        const scriptUs = (await scriptTime(scene.store.redis)) - before
        if (round < 0) continue
        times.get(scene)?.[operation].tripMs.push(tripMs)
        times.get(scene)?.[operation].scriptUs.push(scriptUs)
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

/** What must be there before the clock starts, and the call itself. */
function prepare(
  scene: Scene,
  operation: Operation,
  held: Map<Scene, ClaimedRequest>,
): () => Promise<unknown> {
  const { queue } = scene
  switch (operation) {
    case "enqueue": {
      const request = scene.next()
      return () => queue.enqueue([request])
    }
    case "status": {
      const id = scene.anyId()
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
        scene.gone(claimed.lease.requestId)
        held.set(scene, claimed)
      }
    case "settle": {
      const claimed = held.get(scene)
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
