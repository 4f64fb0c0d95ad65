import type { FinishedState, Priority } from "../../../src/core/request.ts"
import type { EnqueueReply } from "../../../src/queue/contract.ts"
import { type Breaker, closedBreaker } from "./breaker.ts"

/** Where a live request is. Its place is its state. */
export type Place =
  | { at: "line"; score: number }
  | { at: "scheduled"; dueAt: number }
  | { at: "lease"; owner: string; op: string; expiresAt: number }

export interface ModelRequest {
  requestId: string
  line: string
  priority: Priority
  organizationId: string
  /** Since when it ages. */
  dueAt: number
  deadlineAt: number | null
  timeoutMs: number
  resultTtlSeconds: number
  bytes: number
  attempt: number
  retries: number
  timeouts: number
  lost: number
  replays: number
  /** The epoch of its provider's breaker when it was last claimed. */
  circuit: number
  /** Numbers of the attempts whose leases ran out. */
  lostAttempts: number[]
}

export interface LiveRequest extends ModelRequest {
  place: Place
}

export interface Outcome {
  state: FinishedState
  code: string
  expiresAt: number
  finishedAt: number
  /** The attempt that ended it; 0 when it was cancelled. */
  endedBy: number
  /** Who was running its latest attempt when it was cancelled. */
  abandonedBy: string | null
  request: ModelRequest
}

/** What the queue promises to hold, in plain words: no hints, no counters, no indexes to keep in step. */
export interface ModelState {
  live: Map<string, LiveRequest>
  outcomes: Map<string, Outcome>
  /** Numbers of the attempts that the history keeps. */
  noted: Map<string, Set<number>>
  /** Since when a request that waited too long is to be failed. */
  tooOld: Map<string, number>
  /** What the lists by state still point at; it outlives the outcome until a clean-up. */
  index: Map<string, { state: FinishedState; expiresAt: number }>
  drains: Map<string, { op: string; at: number }>
  /** Providers that asked to be left alone, until when. */
  blocks: Map<string, number>
  breakers: Map<string, Breaker>
  paused: Set<string>
  maintainedAt: number | null
  remembered: Map<string, { bodyHash: string; replies: EnqueueReply[] }>
}

export interface ModelSettings {
  maxProcessingTimeMs: number
  retryPenaltyMs: number
  deadLetterTtlSeconds: number
  maxPending: number
  maxPendingAgeSeconds: number
}

export function emptyState(): ModelState {
  return {
    ...{ live: new Map(), outcomes: new Map(), noted: new Map(), tooOld: new Map(), index: new Map() },
    ...{ drains: new Map(), blocks: new Map(), breakers: new Map(), paused: new Set() },
    ...{ maintainedAt: null, remembered: new Map() },
  }
}

export function breakerOf({ breakers }: ModelState, provider: string): Breaker {
  return breakers.get(provider) ?? closedBreaker()
}

/** Below the smallest gap between two levels, which is 9,000 points of one second each. */
const MAX_PENALTY_POINTS = 8999.999
const WEIGHTS: Record<Priority, number> = { critical: 1_000_000, high: 100_000, normal: 10_000, low: 1000 }

/** The published formula at an instant, in points; more goes first. */
export function priorityAt(
  at: number,
  { priority, dueAt, retries }: Pick<ModelRequest, "priority" | "dueAt" | "retries">,
  retryPenaltyMs: number,
): number {
  const penalty = Math.min((retries * retryPenaltyMs) / 1000, MAX_PENALTY_POINTS)
  return WEIGHTS[priority] + (at - dueAt) / 1000 - penalty
}

/** Rounded to ms, because thousandths of a point differ in their last binary digits. */
export function enterLine(request: ModelRequest, { retryPenaltyMs }: ModelSettings): Place {
  return { at: "line", score: Math.round(-1000 * priorityAt(0, request, retryPenaltyMs)) }
}

/** The pending ones of some lines, first first. */
export function inOrder(state: ModelState, lines: string[]): LiveRequest[] {
  const score = ({ place }: LiveRequest) => (place.at === "line" ? place.score : 0)
  return [...state.live.values()]
    .filter(({ line, place }) => place.at === "line" && lines.includes(line))
    .sort((a, b) => score(a) - score(b) || (a.requestId < b.requestId ? -1 : 1))
}

/** Its 1-based place in its line. */
export function positionOf(state: ModelState, requestId: string): number | null {
  const line = state.live.get(requestId)?.line
  const rank = line === undefined ? -1 : inOrder(state, [line]).findIndex((r) => r.requestId === requestId)
  return rank === -1 ? null : rank + 1
}

/** The instant from which the store has let go of something that ends at `expiresAt`: it counts in seconds. */
function storeExpiry(expiresAt: number): number {
  return Math.ceil(expiresAt / 1000) * 1000
}

export const DAY_MS = 86_400_000
/** Index keys stay for three days after the last expiry in them, for the clean-up. */
const INDEX_GRACE_DAYS = 4

/** What the store lets go of by itself until an instant. */
export function passTime(state: ModelState, at: number): void {
  for (const [id, { expiresAt }] of state.outcomes) {
    if (storeExpiry(expiresAt) > at) continue
    state.outcomes.delete(id)
    state.noted.delete(id)
  }
  for (const [id, { expiresAt }] of state.index) {
    if ((Math.floor(expiresAt / DAY_MS) + INDEX_GRACE_DAYS) * DAY_MS <= at) state.index.delete(id)
  }
}
