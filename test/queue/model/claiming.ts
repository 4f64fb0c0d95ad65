import type { ClaimOptions, Overdue } from "../../../src/queue/contract.ts"
import type { Course } from "./courses.ts"
import {
  breakerOf,
  enterLine,
  inOrder,
  type LiveRequest,
  type ModelSettings,
  type ModelState,
} from "./state.ts"

interface ModelClaimed
  extends Pick<LiveRequest, "requestId" | "attempt" | "retries" | "timeouts" | "deadlineAt"> {
  expiresAt: number
}

export interface ModelClaim {
  requests: ModelClaimed[]
  overdue: { requestId: string; attempt: number; reason: Overdue["reason"] }[]
  /** At least and at most: whether those that are skipped count cannot be told without reading them. */
  remaining: [number, number]
  maintenanceDue: boolean
  /** The earliest thing that time alone will bring; a claim may name an earlier instant, never a later one. */
  nextAt: number | null
}

const MAX_LOST_LEASES = 3
const OVERDUE_LEASE_MS = 30_000
const LEASE_MARGIN_MS = 35_000
const DRAIN_MEMORY_MS = 120_000
const MAINTENANCE_MS = 3_600_000

/** `served`: the lines of the claimer's providers. */
export function claim(
  state: ModelState,
  settings: ModelSettings,
  now: number,
  served: string[],
  options: ClaimOptions,
  op: string,
): ModelClaim {
  const last = state.drains.get(options.owner)?.op
  if (last !== undefined && isBefore(op, last)) return NOTHING
  if (last === op) return repeat(state, op)
  const overdue = [...holdOverdue(state, now), ...takeBackExpired(state, settings, now)]
  for (const request of state.live.values()) {
    if (request.place.at === "scheduled" && request.place.dueAt <= now)
      request.place = enterLine(request, settings)
  }
  const requests: ModelClaim["requests"] = []
  let bytes = 0
  for (const request of inOrder(state, served)) {
    if (requests.length === options.limit) break
    if (roomOf(state, now, request.line) === 0 || request.timeoutMs > options.maxTimeoutMs) continue
    bytes += request.bytes
    if (bytes > options.maxBytes && requests.length > 0) break
    requests.push(start(state, settings, now, request, options.owner, op))
  }
  for (const [owner, { at }] of state.drains) {
    if (now - at >= DRAIN_MEMORY_MS) state.drains.delete(owner)
  }
  state.drains.set(options.owner, { op, at: now })
  const since = state.maintainedAt === null ? 0 : now - state.maintainedAt
  const maintenanceDue = since >= MAINTENANCE_MS
  if (state.maintainedAt === null || maintenanceDue) state.maintainedAt = now
  const most = remainingOf(state, now, served, Infinity)
  const remaining: [number, number] = [remainingOf(state, now, served, options.maxTimeoutMs), most]
  return { requests, overdue, remaining, maintenanceDue, nextAt: nextAt(state, now, served) }
}

function start(
  state: ModelState,
  settings: ModelSettings,
  now: number,
  request: LiveRequest,
  owner: string,
  op: string,
): ModelClaimed {
  const expiresAt = now + Math.max(settings.maxProcessingTimeMs, request.timeoutMs) + LEASE_MARGIN_MS
  const breaker = breakerOf(state, request.line)
  request.attempt += 1
  request.circuit = breaker.epoch
  request.place = { at: "lease", owner, op, expiresAt }
  if (breaker.openUntil !== null) {
    state.breakers.set(request.line, { ...breaker, probe: `${request.requestId} ${request.attempt}` })
  }
  return claimed(request, expiresAt)
}

function claimed(request: LiveRequest, expiresAt: number): ModelClaimed {
  const { requestId, attempt, retries, timeouts, deadlineAt } = request
  return { requestId, attempt, expiresAt, retries, timeouts, deadlineAt }
}

/** Reads the bodies of what was claimed; what has none any more is not handed out. */
export function* readBodies(state: ModelState, claim: ModelClaim): Course<ModelClaim> {
  if (claim.requests.length === 0) return claim
  yield
  const hasBody = ({ requestId }: ModelClaimed) =>
    state.live.has(requestId) || state.outcomes.get(requestId)?.state === "failed"
  return { ...claim, requests: claim.requests.filter(hasBody) }
}

/** Operations of one process are numbered: one that arrives after a later one is too late to be heard. */
function isBefore(op: string, last: string): boolean {
  const [epoch, number] = op.split(".")
  const [lastEpoch, lastNumber] = last.split(".")
  return epoch === lastEpoch && Number(number) < Number(lastNumber)
}

const NOTHING: ModelClaim = {
  ...{ requests: [], overdue: [], remaining: [0, 0], maintenanceDue: false, nextAt: null },
}

/** The same requests again, and nothing else is told: the claimer should ask anew at once. */
function repeat(state: ModelState, op: string): ModelClaim {
  const requests = [...state.live.values()].flatMap((request) => {
    const { place } = request
    return place.at === "lease" && place.op === op ? [claimed(request, place.expiresAt)] : []
  })
  return { ...NOTHING, requests }
}

function hold(request: LiveRequest, now: number, reason: Overdue["reason"]): ModelClaim["overdue"][number] {
  request.place = { at: "lease", owner: "overdue", op: reason, expiresAt: now + OVERDUE_LEASE_MS }
  return { requestId: request.requestId, attempt: request.attempt, reason }
}

/** Waiting requests past their deadline, or told to be too old. */
function holdOverdue(state: ModelState, now: number): ModelClaim["overdue"] {
  const old = new Set([...state.tooOld].filter(([, at]) => at <= now).map(([id]) => id))
  for (const id of old) state.tooOld.delete(id)
  return [...state.live.values()]
    .filter(({ place, requestId, deadlineAt }) => {
      const isOverdue = (deadlineAt !== null && deadlineAt <= now) || old.has(requestId)
      return place.at !== "lease" && isOverdue
    })
    .map((request) => hold(request, now, "deadline_exceeded"))
}

function takeBackExpired(state: ModelState, settings: ModelSettings, now: number): ModelClaim["overdue"] {
  const held: ModelClaim["overdue"] = []
  for (const request of state.live.values()) {
    const { place } = request
    if (place.at !== "lease" || place.expiresAt > now) continue
    if (place.owner === "overdue") {
      held.push(hold(request, now, place.op as Overdue["reason"]))
      continue
    }
    request.lost += 1
    request.lostAttempts.push(request.attempt)
    if (request.lost >= MAX_LOST_LEASES) held.push(hold(request, now, "lease_expired"))
    else if (request.deadlineAt !== null && request.deadlineAt <= now)
      held.push(hold(request, now, "deadline_exceeded"))
    else request.place = enterLine(request, settings)
  }
  return held
}

/** How many of a provider may start now: none while it is left alone, one while its breaker is to be probed. */
function roomOf(state: ModelState, now: number, provider: string): number {
  if (isPaused(state, provider) || (shutUntil(state, provider) ?? 0) > now) return 0
  const { openUntil, probe } = breakerOf(state, provider)
  if (openUntil === null) return Infinity
  return probe !== null && state.live.get(probe.split(" ")[0] ?? "")?.place.at === "lease" ? 0 : 1
}

function shutUntil(state: ModelState, provider: string): number | null {
  const until = [state.blocks.get(provider), breakerOf(state, provider).openUntil].map((at) => at ?? 0)
  return Math.max(...until) || null
}

function remainingOf(state: ModelState, now: number, served: string[], maxTimeoutMs: number): number {
  const counts = served.map((line) => {
    const fitting = inOrder(state, [line]).filter(({ timeoutMs }) => timeoutMs <= maxTimeoutMs)
    return Math.min(roomOf(state, now, line), fitting.length)
  })
  return counts.reduce((sum, count) => sum + count, 0)
}

export function isPaused(state: ModelState, line: string): boolean {
  return state.paused.has("*") || state.paused.has(line)
}

function nextAt(state: ModelState, now: number, served: string[]): number | null {
  const instants = [...state.live.values()].flatMap(({ place, deadlineAt, line }) => {
    const deadline = place.at !== "lease" && deadlineAt !== null ? [deadlineAt] : []
    if (place.at === "scheduled") return [place.dueAt, ...deadline]
    if (place.at === "lease") return [place.expiresAt]
    const until = shutUntil(state, line) ?? 0
    const isWaiting = served.includes(line) && !isPaused(state, line) && until > now
    return isWaiting ? [until, ...deadline] : deadline
  })
  return instants.length === 0 ? null : Math.min(...instants)
}

/** Makes a lease that is still held last until then, if it does not already. */
export function extend(
  state: ModelState,
  lease: { requestId: string; attempt: number; op: string },
  expiresAt: number,
): boolean {
  const live = state.live.get(lease.requestId)
  if (live === undefined || !holds(live, lease)) return false
  if (live.place.at === "lease") live.place.expiresAt = Math.max(live.place.expiresAt, expiresAt)
  return true
}

export function holds(live: LiveRequest, { attempt, op }: { attempt: number; op: string }): boolean {
  return live.place.at === "lease" && live.attempt === attempt && live.place.op === op
}
