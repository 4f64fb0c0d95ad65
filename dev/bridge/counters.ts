import type { Route } from "./faults.ts"

/** What came over HTTP since the start or the last reset; control calls are not counted. */
export interface BridgeCounters {
  /** Requests that were authenticated: the REST round trips. */
  requests: number
  byRoute: Record<Route, number>
  /** Commands in them; those that a script runs are not seen here. */
  commands: number
  unauthorized: number
  /** Answers by HTTP status. A dropped request has none. */
  byStatus: Record<number, number>
  dropped: number
  reset(): void
}

const zero = () => ({
  requests: 0,
  byRoute: { command: 0, pipeline: 0, "multi-exec": 0, path: 0 },
  commands: 0,
  unauthorized: 0,
  byStatus: {},
  dropped: 0,
})

export function createCounters(): BridgeCounters {
  const counters: BridgeCounters = { ...zero(), reset: () => void Object.assign(counters, zero()) }
  return counters
}
