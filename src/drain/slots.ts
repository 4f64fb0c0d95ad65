import type { Clock } from "../core/clock.ts"

/** Gives one slot back. Calling it again does nothing. */
export type ReleaseSlot = () => void

/** A semaphore: the lowest rank is served first, and of a rank who waits longest. */
export interface Slots {
  readonly free: number
  readonly waiting: number
  /** Rejects with the signal's reason when it is aborted while waiting. */
  acquire(signal?: AbortSignal, rank?: number): Promise<ReleaseSlot>
  /** How many will get a slot within that time, at the pace of late. */
  expectedWithin(ms: number): number
}

/** What a slot is taken to be held for until it is known: a second to the first byte is common. */
const ASSUMED_HOLD_MS = 1000
/** Weight of the latest hold in the mean. */
const LATEST_SHARE = 0.2

/** `onFree` is called when a slot is given back that nobody waits for. */
export function createSlots(size: number, clock: Clock, onFree: () => void = () => {}): Slots {
  const line: { rank: number; serve: () => void }[] = []
  const heldSince = new Map<ReleaseSlot, number>()
  let meanHoldMs = ASSUMED_HOLD_MS

  const hold = (): ReleaseSlot => {
    const release = () => {
      const since = heldSince.get(release)
      if (since === undefined) return
      heldSince.delete(release)
      meanHoldMs += (clock() - since - meanHoldMs) * LATEST_SHARE
      const [next] = line
      if (next === undefined) onFree()
      else next.serve()
    }
    heldSince.set(release, clock())
    return release
  }

  return {
    get free() {
      return size - heldSince.size
    },
    get waiting() {
      return line.length
    },
    acquire(signal, rank = 0) {
      if (signal?.aborted) return Promise.reject(signal.reason)
      if (heldSince.size < size) return Promise.resolve(hold())
      return new Promise((resolve, reject) => {
        const serve = () => {
          leave()
          resolve(hold())
        }
        const place = { rank, serve }
        const abort = () => {
          leave()
          reject(signal?.reason)
        }
        const leave = () => {
          line.splice(line.indexOf(place), 1)
          signal?.removeEventListener("abort", abort)
        }
        const behind = line.findIndex((other) => other.rank > rank)
        line.splice(behind === -1 ? line.length : behind, 0, place)
        signal?.addEventListener("abort", abort)
      })
    },
    expectedWithin(ms) {
      const now = clock()
      const ages = [...heldSince.values()].map((since) => now - since)
      // What has not ended yet counts too: a provider that hangs would not show in what has.
      const meanAgeMs = ages.reduce((sum, age) => sum + age, 0) / Math.max(1, ages.length)
      return Math.floor((size * ms) / Math.max(1, meanHoldMs, meanAgeMs))
    },
  }
}

/**
 * A fetch that gives its slot back when response headers arrive or the call fails. A Worker has six
 * connections that may wait for headers; a body that streams occupies none of them. The slot is
 * taken before, so that the call's timeout does not run while it waits in line.
 */
export function fetchInSlot(inner: typeof fetch, release: ReleaseSlot): typeof fetch {
  return async (...args: Parameters<typeof fetch>) => {
    try {
      return await inner(...args)
    } finally {
      release()
    }
  }
}
