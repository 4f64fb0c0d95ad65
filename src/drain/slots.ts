import type { Clock } from "../core/clock.ts"

/** Gives one slot back. Calling it again does nothing. */
export type ReleaseSlot = () => void

/** A fair semaphore: who waits longest is served first. */
export interface Slots {
  readonly free: number
  readonly waiting: number
  /** Rejects with the signal's reason when it is aborted while waiting. */
  acquire(signal?: AbortSignal): Promise<ReleaseSlot>
  /** How many will get a slot within that time, at the pace of late. */
  expectedWithin(ms: number): number
}

/** What a slot is taken to be held for until it is known: a second to the first byte is common. */
const ASSUMED_HOLD_MS = 1000
/** Weight of the latest hold in the mean. */
const LATEST_SHARE = 0.2

/** `onFree` is called when a slot is given back that nobody waits for. */
export function createSlots(size: number, clock: Clock, onFree: () => void = () => {}): Slots {
  const line = new Set<() => void>()
  const heldSince = new Map<ReleaseSlot, number>()
  let meanHoldMs = ASSUMED_HOLD_MS

  const hold = (): ReleaseSlot => {
    const release = () => {
      const since = heldSince.get(release)
      if (since === undefined) return
      heldSince.delete(release)
      meanHoldMs += (clock() - since - meanHoldMs) * LATEST_SHARE
      const [next = onFree] = line
      next()
    }
    heldSince.set(release, clock())
    return release
  }

  return {
    get free() {
      return size - heldSince.size
    },
    get waiting() {
      return line.size
    },
    acquire(signal) {
      if (signal?.aborted) return Promise.reject(signal.reason)
      if (heldSince.size < size) return Promise.resolve(hold())
      return new Promise((resolve, reject) => {
        const serve = () => {
          leave()
          resolve(hold())
        }
        const abort = () => {
          leave()
          reject(signal?.reason)
        }
        const leave = () => {
          line.delete(serve)
          signal?.removeEventListener("abort", abort)
        }
        line.add(serve)
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
