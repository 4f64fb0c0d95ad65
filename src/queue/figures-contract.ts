import type { ProviderLimits } from "../core/limits.ts"
import type {
  AttemptCounts,
  CommandUse,
  History,
  LaneState,
  Percentiles,
  Pulse,
  Throughput,
} from "../core/pulse.ts"
import type { Priority, RequestState } from "../core/request.ts"

export interface ProviderState {
  inFlight: number
  /** Until then no call starts, for the provider asked for it or its breaker is open. */
  blockedUntil: number | null
  breaker: "closed" | "open" | "half_open"
  paused: boolean
}

/** One configured provider, as `GET /v1/providers` shows it. */
export interface ProviderDetails extends ProviderState, ProviderLimits {
  name: string
  /** Why the breaker is not closed. */
  cause: "trouble" | "account" | null
  /** In its own line; routes and requests with fallbacks have theirs. */
  pending: number
}

export interface QueueStats {
  counts: Record<RequestState, number>
  pendingByPriority: Record<Priority, number>
  pendingByProvider: Record<string, number>
  oldestPendingAgeMs: number | null
  throughput: Throughput
  waitMs: Percentiles
  providerMs: Percentiles
  providers: Record<string, ProviderState>
  lanes: LaneState[]
  commands: CommandUse
}

/** Of a history: epoch ms, and a step of whole minutes. */
export interface HistorySpan {
  from: number
  to: number
  stepMs: number
}

/** Of durations: how many were shorter than `belowMs`, and not shorter than that of the bucket before. */
export interface DurationBucket {
  belowMs: number
  count: number
}

/**
 * What has happened since the store was empty, up to now, and how things stand. What is counted never shrinks, unless the
 * store loses it. By provider, line and error code: of the ones there has been something of.
 */
export interface QueueFigures {
  enqueued: number
  completed: number
  failed: number
  retried: number
  cancelled: number
  /** By provider. */
  attempts: Record<string, AttemptCounts>
  /** From due to the first call; buckets in order, without empty ones. */
  waits: DurationBucket[]
  /** By provider, of completed attempts, as `waits`. */
  providerTimes: Record<string, DurationBucket[]>
  /** Redis commands that the queue spent. */
  commands: number
  /** How things stand, read at the same instant. */
  pulse: Pulse
}

export interface QueueHealth {
  status: "ok" | "degraded" | "down"
  store: { ok: boolean; latencyMs: number | null }
  drain: { lastRunAt: number | null; ageMs: number | null }
  backlog: number
  /** Lines with pending requests that no configured provider serves. */
  unservedLines: string[]
  /** Providers whose breaker is not closed. */
  troubled: string[]
}

/** What the queue tells of itself. */
export interface QueueReports {
  stats(): Promise<QueueStats>
  /** How it is doing now. One round trip and two commands; one more of each where there is a line that this process has not met. */
  pulse(): Promise<Pulse>
  /**
   * By minutes as far back as a day; further by hours, when the step is of whole hours. Two or three round trips, one more
   * per 4 MB.
   */
  history(span: HistorySpan): Promise<History>
  /** Counters since ever, and the pulse. At the cost of the pulse. */
  figures(): Promise<QueueFigures>
  /** Never throws: an unreachable store is `down`. One round trip. */
  health(): Promise<QueueHealth>
}
