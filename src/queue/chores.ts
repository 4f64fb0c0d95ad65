import { type Clock, type Random, systemClock } from "../core/clock.ts"
import { createKeys } from "./keys.ts"
import { Store, type StoreAddress } from "./store.ts"

/** Work beside the requests that is due at an instant, such as `delivery|req_…|completed|0`, held by one process at a time. */
export interface Chore {
  name: string
  /** Until then nobody else gets it, epoch ms. */
  leasedUntil: number
}

/**
 * What is to be done beside calling providers. A chore that nobody ends is handed out again when its lease is over, so
 * doing it twice must be harmless. Every method is one round trip.
 */
export interface ChoreStore {
  /** Those that are due, at most `limit`. `nextAt`: when there is something to take next; null: nothing is known to come. */
  take(limit: number, leaseMs: number): Promise<{ chores: Chore[]; nextAt: number | null }>
  /** Puts it off until then (of a chore that is worked on: makes the lease last); null: it is done. False when the lease is lost. */
  settle(chore: Chore, at: number | null): Promise<boolean>
  /** There is something to do from then on, or sooner where it is due sooner. */
  put(name: string, at: number): Promise<void>
}

const NEVER = 99_999_999_999_999

export interface ChoreOptions {
  redis: StoreAddress
  queueName: string
  clock?: Clock
  random?: Random
}

export function createChores({
  redis,
  queueName,
  clock = systemClock,
  random = Math.random,
}: ChoreOptions): ChoreStore {
  const store = new Store({ ...redis, queueName, random })
  const { meta, chores } = createKeys(queueName)
  const set = async (name: string, held: number | "", at: number | "") => {
    const call = { name: "chore" as const, keys: [meta, chores], args: [clock(), name, held, at] }
    const [done] = await store.run<[number]>("chore", [call])
    return done === 1
  }
  return {
    async take(limit, leaseMs) {
      const now = clock()
      const leasedUntil = now + leaseMs
      const [[next, names]] = await store.run<[[string, string[]]]>("chores", [
        { name: "chores", keys: [meta, chores], args: [now, limit, leasedUntil] },
      ])
      const nextAt = Number(next)
      return {
        chores: names.map((name) => ({ name, leasedUntil })),
        nextAt: nextAt === NEVER ? null : nextAt,
      }
    },
    settle: (chore, at) => set(chore.name, chore.leasedUntil, at ?? ""),
    put: async (name, at) => {
      await set(name, "", at)
    },
  }
}
