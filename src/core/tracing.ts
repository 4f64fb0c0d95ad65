import type { AttemptRecord, OutcomeResult } from "./outcome.ts"
import type { FinishedState, RequestHead } from "./request.ts"
import type { Trace } from "./trace.ts"

/** A request that was stored. `caller`: the trace that its call came with. Times are epoch ms. */
export interface StoredEvent {
  head: RequestHead
  line: string
  trace: Trace
  caller: Trace
  startedAt: number
  endedAt: number
}

/** An attempt that has ended. */
export interface CallEvent {
  head: RequestHead
  line: string
  trace: Trace
  attempt: AttemptRecord
  result: OutcomeResult
  /** Since when it was due, and when it was claimed. */
  dueAt: number
  claimedAt: number
}

/** A request that has its outcome. */
export interface EndEvent {
  requestId: string
  organizationId: string
  trace: Trace
  state: FinishedState
  /** The error code of a failure. */
  code: string | null
  /** The latest attempt; 0: there was none. */
  attempt: number
  startedAt: number
  endedAt: number
}

/**
 * Told of what happens to requests, of which it makes spans and sends them to a collector. Nothing here throws or rejects,
 * and what has no sampled trace costs nothing.
 */
export interface Tracing {
  /** The trace that a request is stored with: its caller's, or else one of its own. */
  begin(requestId: string, caller: Trace): Trace
  stored(event: StoredEvent): void
  called(event: CallEvent): void
  ended(event: EndEvent): void
  /** Enough has gathered, or for long enough, and the collector may be asked. */
  readonly isDue: boolean
  /** Sends what has gathered in so many exports at most; resolves to how many it took, each a subrequest of up to 3 s. */
  flush(exports: number): Promise<number>
  /** The same in a moment, along with what others tell meanwhile. */
  flushSoon(): Promise<void>
}
