import type { ProviderLimits } from "./limits.ts"
import type { Priority } from "./request.ts"

// What operators watch: the figures of now, and those of the past. Times end in `At` and are epoch ms.

/** ms; null without data. From buckets 10 % apart, so within 5 % of the truth. */
export interface Percentiles {
  p50: number | null
  p95: number | null
  p99: number | null
}

/** Attempts by what they came to: `completed`, `cancelled`, or the code of their error. Each counts once. */
export type AttemptCounts = Record<string, number>

/** A span of time. What a minute has nothing of is 0, null or absent. */
export interface HistoryPoint {
  /** When it began. */
  at: number
  enqueued: number
  completed: number
  failed: number
  retried: number
  cancelled: number
  /** From due to the first call. */
  waitMs: Percentiles
  /** By provider, of completed attempts. */
  providerMs: Record<string, Percentiles>
  /** By provider. */
  attempts: Record<string, AttemptCounts>
  /** By line and priority, at the end of the span. */
  pending: Record<string, Record<Priority, number>>
  /** Redis commands that the queue spent. */
  commands: number
}

export interface History {
  from: number
  to: number
  stepMs: number
  /** Oldest first. A span in which nothing happened has none; what was pending then is as in the one before. */
  points: HistoryPoint[]
}

export type TroubleCode =
  | "no_drain"
  | "provider_account"
  | "breaker_open"
  | "provider_blocked"
  | "provider_paused"
  | "queue_paused"
  | "backlog_age"
  | "failure_rate"
  | "command_budget"

/** Something that is wrong, in words for whoever is on call. */
export interface Trouble {
  code: TroubleCode
  /** `info`: somebody wants it so. */
  severity: "critical" | "warning" | "info"
  /** null: it concerns the whole queue. */
  provider: string | null
  /** When it began, where that is known. */
  since: number | null
  /** One sentence: what is wrong, and the cause. */
  text: string
  /** One sentence: what to do. */
  remedy: string
}

/** Redis commands that the queue has spent, as Upstash bills them; days are UTC. */
export interface CommandUse {
  today: number
  yesterday: number
  lastMinute: number
  /** `REDIS_COMMAND_BUDGET` per day; null: none. */
  budget: number | null
}

/** Of the last 60 s, ± 10 s. */
export interface Throughput {
  enqueuedLastMinute: number
  completedLastMinute: number
  failedLastMinute: number
  retriedLastMinute: number
}

export interface PulseProvider extends ProviderLimits {
  breaker: "closed" | "open" | "half_open"
  /** Why the breaker is not closed. */
  cause: "trouble" | "account" | null
  /** Since when at the latest the breaker has not been closed; null: it is. */
  troubledSince: number | null
  /** Until then no call starts. */
  blockedUntil: number | null
  /** By itself, or with the whole queue. */
  paused: boolean
}

/** One lane, by its last claim. Counts since it was first seen, or not for a day. */
export interface LaneState {
  name: string
  lastClaimAt: number
  completed: number
  failed: number
  retried: number
  errors: number
  lastError: string | null
}

/** How the queue is doing right now. Two billed commands. */
export interface Pulse {
  at: number
  /** The most urgent first; none: all is well. */
  troubles: Trouble[]
  counts: { scheduled: number; pending: number; processing: number }
  pendingByLine: Record<string, Record<Priority, number>>
  /** Since when there has been a backlog; null: there is none. */
  backlogSince: number | null
  /** Lines with pending requests of which none has started for minutes, though claims have looked. */
  stalledLines: string[]
  /** The last claim that could start requests, by a lane, a worker or a tick that drains; null: none is known. */
  lastClaimAt: number | null
  /** The whole queue is paused. */
  paused: boolean
  throughput: Throughput
  /** Over 15 minutes, as `attempts`. */
  waitMs: Percentiles
  /** By provider, of completed attempts. */
  providerMs: Record<string, Percentiles>
  /** By provider. */
  attempts: Record<string, AttemptCounts>
  providers: Record<string, PulseProvider>
  lanes: LaneState[]
  commands: CommandUse
}
