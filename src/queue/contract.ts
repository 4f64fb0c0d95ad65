import type { AuditEntry } from "../core/audit.ts"
import type { Quotas } from "../core/limits.ts"
import type { AttemptRecord, OutcomeResult, RequestStatus } from "../core/outcome.ts"
import type {
  FinishedState,
  RequestBody,
  RequestHead,
  RequestState,
  Target,
  WeightedTarget,
} from "../core/request.ts"
import type { RequestFilter } from "../core/request-filter.ts"
import type { AlertStore } from "./alerts.ts"
import type { QueueReports } from "./figures-contract.ts"
import type { QueueLevers } from "./levers-contract.ts"
import type { SweepOptions, Swept } from "./sweep-contract.ts"

/** A request that has passed validation, ready to be stored. */
export interface NewRequest {
  head: RequestHead
  body: RequestBody
  /** Of a request with the provider `auto`: the targets of its route as they are now. */
  route?: WeightedTarget[]
  /** As in `core/trace.ts`; absent: none. */
  trace?: string
}

export interface EnqueueReply {
  requestId: string
  state: RequestState
  /** null unless pending; null too for all but the first and last of a bulk. */
  position: number | null
  createdAt: number
}

/** A caller's promise that the same key means the same call; kept for 24 h. */
export interface Idempotency {
  organizationId: string
  /** SHA-256 of route and key, hex. */
  keyHash: string
  /** SHA-256 of the parsed body with its defaults and sorted members, hex. */
  bodyHash: string
}

export interface Enqueued {
  requests: EnqueueReply[]
  /** These are the replies of an earlier call with the same idempotency key; nothing was stored. */
  replayed: boolean
}

/** The right to call the provider for one request until `expiresAt`. `attempt` is its fencing token. */
export interface Lease {
  requestId: string
  attempt: number
  /** The claim that took it. */
  op: string
  expiresAt: number
  organizationId: string
  /** How long the outcome of a success will be kept. */
  resultTtlSeconds: number
  /** As in `core/trace.ts`; empty: none. */
  trace: string
}

/** A request that was claimed, with all that a call and the decision after it need. */
export interface ClaimedRequest {
  lease: Lease
  head: RequestHead
  body: RequestBody
  /** Whom to call: with a route or fallbacks not what the head asks for. */
  target: Target
  /** Another target may be used at once when this one has trouble. */
  hasAlternative: boolean
  /** Retries that count against `maxRetries` so far. */
  retries: number
  /** Of these, timeouts on this target. */
  timeouts: number
  startedAt: number
  /** Since when it has been due, epoch ms: a retried one since its backoff is over. */
  dueAt: number
  /** Until then its text is stored as it comes, epoch ms; past: it is not. */
  watchedUntil: number
}

/** A request that must end without another call; it is leased to the claimer for 30 s, to be settled as failed. */
export interface Overdue {
  lease: Lease
  reason: "lease_expired" | "deadline_exceeded"
}

/** How leases stand that a drain believes to hold. */
export interface LeaseLook {
  /** No longer held: cancelled, settled or taken over. */
  lost: Lease[]
  /** Per request that is held: until when its text is stored as it comes, epoch ms; 0: it never was. */
  watchedUntil: Map<string, number>
}

export interface ClaimOptions {
  /** The drain: `tick:<epoch>`, `lane-3:<epoch>`, a worker's name and epoch; `look:<epoch>` starts nothing. */
  owner: string
  /** At most that many; 0 only does the housekeeping (due, expired and overdue requests). */
  limit: number
  /**
   * So many of them can be called at once; absent: all. Of a provider with limits no more are handed out, because what
   * its limits count is when calls start.
   */
  soon?: number
  /** At most that many bytes of bodies, but always at least one request. */
  maxBytes: number
  /** Requests with a longer timeout stay: they would not finish in this invocation. */
  maxTimeoutMs: number
  /** What the drain has done since its last claim that was answered. */
  done?: DrainCounts
  /** Of `nextOp`. That of a claim whose answer never came hands out what that one took. Default: a new one. */
  op?: string
}

/** Settlements of a drain by what they came to, and its trouble with the store. */
export interface DrainCounts {
  completed: number
  failed: number
  retried: number
  errors: number
  /** Code of the last failed attempt or operation; null: none. */
  lastError: string | null
}

export interface Claim {
  requests: ClaimedRequest[]
  overdue: Overdue[]
  /** When a claim can find something next, epoch ms: due time, lease expiry, end of a block. null: nothing is known to come. */
  wakeAt: number | null
  /** Requests in served lines that could start now but were over the limit. */
  remaining: number
  /** The hour is over: this caller should run `maintain`. */
  maintenanceDue: boolean
  /** There are chores to be seen to: `ChoreStore.take`. */
  choresDue: boolean
  /** A minute is over in which something happened: this caller should run `roll`. */
  rollDue: boolean
}

/** What a call tells of its target, for limits and breaker. */
export interface TargetReport extends Target {
  /**
   * `ok`: it works, though it may have refused this very request. `trouble`: down, overloaded, not reachable.
   * `account`: key, balance or spend limit. `unknown`: nothing can be told, as of a call that was aborted.
   */
  health: "ok" | "trouble" | "account" | "unknown"
  /** It asked to be left alone until then, epoch ms. */
  blockedUntil: number | null
  /** Tokens that were used; null: not known, so the estimate stands. */
  usedTokens: number | null
  /** What it told of its rate limits; null: nothing. */
  quotas: Quotas | null
}

/** What an attempt came to, decided. */
export type Decision =
  | { kind: "completed" }
  | { kind: "failed" }
  /** Scheduled again until `dueAt`; counts against `maxRetries`. */
  | { kind: "retry"; dueAt: number }
  /** Back to its line at once, not counted: the provider's account was refused, not the request. */
  | { kind: "return" }
  /** Never called: handed back as if it had not been claimed. */
  | { kind: "release" }
  /** It was cancelled meanwhile: only what is known of its cost is kept. */
  | { kind: "note" }

export interface Settlement {
  lease: Lease
  decision: Decision
  /** null for `release` and for overdue requests: there was no attempt. */
  attempt: AttemptRecord | null
  result: OutcomeResult
  /** null: there was no call. */
  report: TargetReport | null
}

/** `settled`: as decided. `noted`: another had the last word, the history keeps it. `gone`: nothing is known of the request. */
export type SettleReply = "settled" | "noted" | "gone"

export type CancelReply =
  | {
      kind: "cancelled" /** Who holds the lease, when it was processing. */
      owner: string | null
      attempt: number
      organizationId: string
      trace: string
      /** Somebody is to be told. */
      choresDue?: true
    }
  | { kind: "discarded" }
  /** Or failed, where a dead letter is to be kept. */
  | { kind: "completed" }
  | { kind: "unknown" }

export type ReplayReply =
  | { kind: "replayed"; reply: EnqueueReply; head: RequestHead; trace: string }
  | { kind: "conflict"; state: RequestState }
  | { kind: "unknown" }

export interface ListOptions {
  state: RequestState | null
  organizationId: string | null
  /** What else they must have. */
  filter?: Omit<RequestFilter, "state" | "organizationId">
  limit: number
  cursor: string | null
}

export interface RequestPage {
  /** Newest first, without `response`. */
  data: RequestStatus[]
  nextCursor: string | null
}

/** Keep the whole status, or the status and the messages while they are kept. */
export interface StatusOptions {
  includeMessages?: boolean
}

export type StatusReply = RequestStatus & { messages?: RequestBody["messages"] | null }

/** A place in the text of an attempt. */
export interface TextPosition {
  attempt: number
  /** Bytes of UTF-8 before it. */
  offset: number
}

/** What an attempt's visible text has grown by. */
export interface PartialText {
  lease: Pick<Lease, "requestId" | "attempt">
  timeoutMs: number
  /** Bytes of UTF-8 before it. */
  offset: number
  /** Of whole characters. */
  text: string
}

/** What one command tells of an unfinished request. */
export interface Glance {
  /** The number of its latest attempt; 0: there was none. */
  attempt: number
  /** Who holds the lease; null: nobody. */
  owner: string | null
  /** When the attempt that is under way started, epoch ms; null: it is not being processed. */
  startedAt: number | null
  /** Another text: something may have happened to it. */
  revision: string
}

/**
 * The queue, as everything outside `queue/` sees it. Every method is safe to repeat: a lost answer
 * is asked for again under the same operation id. Errors: `AppError` with `store_unavailable`,
 * `store_full` or `queue_full`. Round trips of the store are given per method.
 */
export interface RequestQueue extends QueueReports, QueueLevers {
  /** Stores all or none. One round trip. */
  enqueue(requests: NewRequest[]): Promise<EnqueueReply[]>
  /** As `enqueue`, once per idempotency key. Another body under the same key: `idempotency_mismatch`. */
  enqueueOnce(requests: NewRequest[], idempotency: Idempotency): Promise<Enqueued>
  /** A new operation id. No round trip. */
  nextOp(): string
  /**
   * Most of the day's command budget is used, as far as this process has been told: what nobody waits for should cost less.
   * No round trip.
   */
  isSparing(): boolean
  /** Two round trips; one when there was nothing. */
  claim(options: ClaimOptions): Promise<Claim>
  /** One round trip per 8 MB of results. Replies in order. */
  settle(settlements: Settlement[]): Promise<SettleReply[]>
  /** Settle, then claim, in the same round trip (and one more for what was claimed). */
  turn(settlements: Settlement[], options: ClaimOptions): Promise<{ replies: SettleReply[]; claim: Claim }>
  /** Makes the lease last until then, if it does not already; false when it is no longer held. One round trip. */
  extend(lease: Lease, expiresAt: number): Promise<boolean>
  /** How these leases stand. One round trip and one command. */
  lookAtLeases(leases: Lease[]): Promise<LeaseLook>
  /** Providers of which nothing may start now: paused, blocked, or their breaker is open. One round trip and one command. */
  shutProviders(): Promise<string[]>
  /**
   * `organizationId` null: any. Another organization's request is `unknown`. A dead letter is discarded, unless it is to be
   * kept. One round trip (two to discard a dead letter).
   */
  cancel(
    requestId: string,
    organizationId: string | null,
    audit?: AuditEntry,
    deadLetter?: "discard" | "keep",
  ): Promise<CancelReply>
  /**
   * Cancels those of one organization that are not finished; what is finished stays as it is. One round trip for each 50
   * of them, 12 commands each.
   */
  cancelAll(requestIds: string[], organizationId: string): Promise<void>
  replay(
    requestId: string,
    organizationId: string | null,
    changes: { deadlineAt: number | null },
    audit?: AuditEntry,
  ): Promise<ReplayReply>
  /** null: unknown, past its TTL, or another organization's. One round trip. */
  status(
    requestId: string,
    organizationId: string | null,
    options?: StatusOptions,
  ): Promise<StatusReply | null>
  /** null: finished, or unknown. One round trip and one command. */
  glance(requestId: string): Promise<Glance | null>
  /** The same, and what is stored of an attempt's text from a place on. One round trip and two commands. */
  glanceAtText(requestId: string, from: TextPosition): Promise<{ glance: Glance | null; text: string }>
  /**
   * Until then drains store the text of its attempts as it comes. null: finished, or unknown. One round trip and three
   * commands at most.
   */
  watch(requestId: string, until: number): Promise<Glance | null>
  /**
   * Stores what texts have grown by, of attempts whose lease is still held. Per text: until when it is watched, epoch ms;
   * null: its lease is lost. One round trip and two commands, one more per text, and another with its first.
   */
  writePartials(texts: PartialText[]): Promise<(number | null)[]>
  list(options: ListOptions): Promise<RequestPage>
  /**
   * Cancels, replays or discards the next of those that the filter holds for, each as its own operation does. Looks at 500
   * at most: 3 round trips and a command per line or day; then one per 50 cancels or 100 replays, with as many commands
   * as these have. Throws `invalid_request` for a cursor that is none of this sweep.
   */
  sweep(options: SweepOptions): Promise<Swept>
  /** What has rung, and the rules as they were changed. */
  readonly alerts: AlertStore
  /** Removes index entries past their TTL; with `olderThanSeconds`, also what finished longer ago than that. */
  cleanup(olderThanSeconds: number | null): Promise<Record<FinishedState, number>>
  /** Hourly work, when a claim says so: index entries past their TTL go, requests that waited too long are marked overdue. */
  maintain(): Promise<void>
  /** Takes finished minutes into the history, when a claim says so. One round trip. */
  roll(): Promise<void>
}
