import type { TestStore } from "../../test/helpers/store.ts"
import { type Cpu, countCpu } from "../cpu.ts"
import type { Load, LoadResult } from "../load/load.ts"
import { HEADERS } from "../stack/bare-worker.ts"
import type { Contender } from "./contenders.ts"
import { bulkBodies, enqueueBodies } from "./payloads.ts"

/** One way of posting requests. */
export interface Shape {
  name: string
  concurrency: number
  /** Requests in one call. */
  bulk: number
  calls: number
}

export const ALONE: Shape = { name: "1 concurrent", concurrency: 1, bulk: 1, calls: 200 }
export const CROWD: Shape = { name: "50 concurrent", concurrency: 50, bulk: 1, calls: 1000 }
export const BULK: Shape = { name: "20 in one bulk call", concurrency: 1, bulk: 20, calls: 20 }
export const SHAPES: Shape[] = [
  ALONE,
  { name: "6 concurrent", concurrency: 6, bulk: 1, calls: 400 },
  CROWD,
  { name: "100 concurrent", concurrency: 100, bulk: 1, calls: 1000 },
  BULK,
]

/** What one contender did with one shape in one round. */
export interface Turn extends LoadResult {
  contender: Contender["name"]
  shape: Shape
  round: number
  /** Spent by each process meanwhile, ms. */
  cpu: Cpu
}

const WARM_UP: Shape = { name: "warm-up", concurrency: 6, bulk: 1, calls: 600 }
const MAX_TURN_MS = 2000

/** In turns: in each round all contenders take one shape after another, each round begun by another one. */
export async function takeTurns(
  store: TestStore,
  load: Load,
  contenders: Contender[],
  rounds: number,
): Promise<Turn[]> {
  const turns: Turn[] = []
  for (const contender of contenders) await takeTurn(store, load, contender, WARM_UP, -1)
  for (let round = 0; round < rounds; round++) {
    const first = round % contenders.length
    const inOrder = [...contenders.slice(first), ...contenders.slice(0, first)]
    for (const shape of SHAPES) {
      for (const contender of inOrder) turns.push(await takeTurn(store, load, contender, shape, round))
    }
  }
  return turns
}

async function takeTurn(
  store: TestStore,
  load: Load,
  contender: Contender,
  shape: Shape,
  round: number,
): Promise<Turn> {
  const { concurrency, bulk, calls } = shape
  const url = `${contender.url}/v1/requests${bulk > 1 ? "/bulk" : ""}`
  const bodies = contender.name === "PING" ? [""] : bulk > 1 ? bulkBodies(bulk) : enqueueBodies()
  const job = { url, headers: HEADERS, bodies, concurrency, calls, maxMs: MAX_TURN_MS }
  const { result, cpu } = await countCpu(store, contender.pid, () => load.run(job))
  return { contender: contender.name, shape, round, cpu, ...result }
}
