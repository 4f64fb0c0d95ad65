import type { Scope, StoredKey } from "../core/contracts/access.ts"
import type { DeliveryState } from "../core/delivery.ts"
import type { ProviderLimits } from "../core/limits.ts"
import type { RequestStatus } from "../core/outcome.ts"
import type { CommandUse, LaneState, Percentiles, Throughput } from "../core/pulse.ts"
import type { FinishedState, Priority, RequestBody, RequestHead, RequestState } from "../core/request.ts"
import type { RequestFilter } from "../core/request-filter.ts"
import type { Page } from "./pages.ts"

export type {
  AlertRule,
  AlertRules,
  AlertsChange,
  AlertsView,
  FiringAlert,
  Notice,
  RecoveredAlert,
} from "../core/alerts.ts"
export type { AuditEntry } from "../core/audit.ts"
export type { Scope } from "../core/contracts/access.ts"
export type { Delivery, DeliveryAttempt, DeliveryState } from "../core/delivery.ts"
export type { Limits, LimitsChange, ProviderLimits } from "../core/limits.ts"
export type * from "../core/pulse.ts"
export type { Priority, RequestState } from "../core/request.ts"
export type { RequestFilter } from "../core/request-filter.ts"
export type { AskedRequest as NewRequest } from "../core/request-options.ts"
export type { SweepGroup, SweepPage, SweepVerb } from "../core/sweep.ts"

// What the HTTP API takes and answers. Times end in `At` and are epoch ms; durations end in `Ms` or `Seconds`.

/** A request that was stored. */
export interface EnqueuedRequest extends Pick<RequestHead, "priority" | "provider" | "model" | "createdAt"> {
  requestId: string
  state: RequestState
  /** 1-based place in its line; null unless pending, and for all but the first and last of many. */
  position: number | null
}

/** `messages`: only when asked for, and null once they are no longer kept. */
export type StatusReply = RequestStatus & { messages?: RequestBody["messages"] | null }

/** A request with its outcome. */
export type FinishedRequest = RequestStatus & { state: FinishedState }

/** A request in a list: without its response. */
export type ListedRequest = Omit<RequestStatus, "response">

/** A key for all organizations names a state or an organization. */
export type ListFilter = Omit<RequestFilter, "createdAfter" | "createdBefore">

export type RequestPage = Page<ListedRequest>

export interface CancelledRequest {
  requestId: string
  /** `failed`: it was a dead letter, which is discarded now. */
  state: "cancelled" | "failed"
  discarded?: true
}

export interface ProviderState {
  inFlight: number
  /** Until then no call starts. */
  blockedUntil: number | null
  breaker: "closed" | "open" | "half_open"
  paused: boolean
}

/** What a key for all organizations sees. */
export interface QueueStats {
  /** Of finished ones: what is still kept. */
  counts: Record<RequestState, number>
  pendingByPriority: Record<Priority, number>
  pendingByProvider: Record<string, number>
  oldestPendingAgeMs: number | null
  throughput: Throughput
  /** From due to the first call, over 15 minutes; null without data. */
  waitMs: Percentiles
  providerMs: Percentiles
  providers: Record<string, ProviderState>
  lanes: LaneState[]
  commands: CommandUse
}

export interface HistoryOptions {
  /** Epoch ms; default: an hour before `to`. */
  from?: number
  /** Epoch ms; default: now. */
  to?: number
  /** Default 60. */
  stepSeconds?: number
}

/** What a tenant's key sees, of its own newest 1,000 requests. */
export interface TenantStats {
  counts: Record<RequestState, number>
  /** There are older requests that were not counted. */
  partial: boolean
}

/** Everything but `status` is for keys with `admin` alone. */
export interface QueueHealth {
  /** `degraded`: a backlog is not being drained. `down`: the store is away. */
  status: "ok" | "degraded" | "down"
  store?: { ok: boolean; latencyMs: number | null }
  drain?: { lastRunAt: number | null; ageMs: number | null }
  backlog?: number
  /** Lines with pending requests that no configured provider serves. */
  unservedLines?: string[]
  /** Providers whose breaker is not closed. */
  troubled?: string[]
  version?: string
}

export interface ProviderDetails extends ProviderState, ProviderLimits {
  name: string
  /** Why the breaker is not closed. */
  cause: "trouble" | "account" | null
  /** In its own line; routes and requests with fallbacks have theirs. */
  pending: number
  wireFormat: "openai-chat" | "anthropic-messages"
  simulated: boolean
}

export interface NewKey {
  name: string
  /** One organization, or `*` for all. */
  organizationId: string
  scopes: Scope[]
  expiresAt?: number | null
  maxPriority?: Priority | null
  ratePerMinute?: number | null
}

export type ApiKey = Omit<StoredKey, "sha256">

/** What the key of the call may do. */
export type Self = Pick<StoredKey, "keyId" | "organizationId" | "scopes" | "maxPriority" | "ratePerMinute">

/** `key` is told this once. */
export type IssuedKey = ApiKey & { key: string }

export interface Paused {
  /** The provider's, or the queue's. */
  name: string
  paused: boolean
}

export interface OrganizationWeight {
  organizationId: string
  weight: number
}

export type RemovedCounts = Record<FinishedState, number>

export interface DeliveryFilter {
  /** A key for all organizations names an organization or a request. */
  organizationId?: string
  requestId?: string
  state?: DeliveryState
}
