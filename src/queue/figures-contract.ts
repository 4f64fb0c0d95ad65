import type { ProviderLimits } from "../core/limits.ts"
import type { CommandUse, Percentiles } from "../core/pulse.ts"
import type { Priority, RequestState } from "../core/request.ts"
import type { DrainCounts } from "./contract.ts"

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

/** One lane, by its last claim. Counts since it was first seen, or not for a day. */
export interface LaneState extends DrainCounts {
  name: string
  lastClaimAt: number
}

export interface QueueStats {
  counts: Record<RequestState, number>
  pendingByPriority: Record<Priority, number>
  pendingByProvider: Record<string, number>
  oldestPendingAgeMs: number | null
  throughput: {
    enqueuedLastMinute: number
    completedLastMinute: number
    failedLastMinute: number
    retriedLastMinute: number
  }
  waitMs: Percentiles
  providerMs: Percentiles
  providers: Record<string, ProviderState>
  lanes: LaneState[]
  commands: CommandUse
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
