import { requestIdTime } from "../../../src/core/ids.ts"
import { FINISHED_STATES, type FinishedState } from "../../../src/core/request.ts"
import type {
  CancelReply,
  Enqueued,
  EnqueueReply,
  Idempotency,
  NewRequest,
  ReplayReply,
} from "../../../src/queue/contract.ts"
import {
  enterLine,
  type LiveRequest,
  type ModelRequest,
  type ModelSettings,
  type ModelState,
  type Outcome,
  positionOf,
} from "./state.ts"

export type Refusal = { refused: "idempotency_mismatch" | "queue_full" }

/** Stores all or none. */
export function enqueue(
  state: ModelState,
  settings: ModelSettings,
  now: number,
  requests: NewRequest[],
  idempotency: Idempotency | null,
): Enqueued | Refusal {
  const ids = requests.map(({ head }) => head.requestId)
  const name = idempotency && `${idempotency.organizationId}:${idempotency.keyHash}`
  const remembered = name === null ? undefined : state.remembered.get(name)
  if (remembered !== undefined) {
    if (remembered.bodyHash !== idempotency?.bodyHash) return { refused: "idempotency_mismatch" }
    return { requests: remembered.replies, replayed: remembered.replies[0]?.requestId !== ids[0] }
  }
  const isNew = ids.every((id) => !state.live.has(id) && !state.outcomes.has(id))
  // A full queue answers a repetition by what it knows of the first.
  const isUnknown = !state.live.has(ids[0] ?? "") && !ids.some((id) => state.outcomes.has(id))
  if (isUnknown && state.live.size + ids.length > settings.maxPending) return { refused: "queue_full" }
  if (isNew) for (const request of requests) store(state, settings, now, request)
  const replies = requests.map(({ head }, i): EnqueueReply => {
    const isEnd = i === 0 || i === requests.length - 1
    const known = isEnd ? stateOf(state, head.requestId) : null
    const dueAt = Math.max(head.scheduledAt ?? 0, head.createdAt)
    return {
      requestId: head.requestId,
      state: known ?? (dueAt > now ? "scheduled" : "pending"),
      position: isEnd ? positionOf(state, head.requestId) : null,
      createdAt: head.createdAt,
    }
  })
  if (isNew && name !== null && idempotency !== null)
    state.remembered.set(name, { bodyHash: idempotency.bodyHash, replies })
  return { requests: replies, replayed: false }
}

function store(state: ModelState, settings: ModelSettings, now: number, { head, body }: NewRequest): void {
  const dueAt = Math.max(head.scheduledAt ?? 0, head.createdAt)
  const request: ModelRequest = {
    requestId: head.requestId,
    line: head.provider,
    priority: head.priority,
    organizationId: head.organizationId,
    dueAt,
    deadlineAt: head.deadlineAt,
    timeoutMs: head.timeoutMs,
    resultTtlSeconds: head.resultTtlSeconds,
    bytes: Buffer.byteLength(`1${JSON.stringify(body)}`),
    ...{ attempt: 0, retries: 0, timeouts: 0, lost: 0, replays: 0, circuit: 0, lostAttempts: [] },
  }
  const place = dueAt > now ? ({ at: "scheduled", dueAt } as const) : enterLine(request, settings)
  state.live.set(request.requestId, { ...request, place })
}

export function stateOf(state: ModelState, requestId: string) {
  const names = { line: "pending", scheduled: "scheduled", lease: "processing" } as const
  const live = state.live.get(requestId)
  return live === undefined ? (state.outcomes.get(requestId)?.state ?? null) : names[live.place.at]
}

/** A live request comes to its outcome. */
export function finish(
  state: ModelState,
  now: number,
  { place: _, ...request }: LiveRequest,
  end: Pick<Outcome, "state" | "code" | "expiresAt" | "endedBy"> & Partial<Pick<Outcome, "abandonedBy">>,
): void {
  const { requestId } = request
  state.live.delete(requestId)
  state.tooOld.delete(requestId)
  state.outcomes.set(requestId, { abandonedBy: null, ...end, finishedAt: now, request })
  state.index.set(requestId, { state: end.state, expiresAt: end.expiresAt })
}

export function cancel(
  state: ModelState,
  now: number,
  requestId: string,
  organizationId: string | null,
): CancelReply {
  const live = state.live.get(requestId)
  const outcome = state.outcomes.get(requestId)
  const owning = live?.organizationId ?? outcome?.request.organizationId
  if (owning === undefined || (organizationId !== null && organizationId !== owning))
    return { kind: "unknown" }
  if (live !== undefined) {
    const owner = live.place.at === "lease" && live.place.owner !== "overdue" ? live.place.owner : null
    const expiresAt = now + live.resultTtlSeconds * 1000
    finish(state, now, live, { state: "cancelled", code: "", expiresAt, endedBy: 0, abandonedBy: owner })
    return { kind: "cancelled", owner, attempt: live.attempt }
  }
  if (outcome?.state === "cancelled")
    return { kind: "cancelled", owner: outcome.abandonedBy, attempt: outcome.request.attempt }
  if (outcome?.state === "completed") return { kind: "completed" }
  forget(state, requestId)
  return { kind: "discarded" }
}

function forget(state: ModelState, requestId: string): void {
  state.outcomes.delete(requestId)
  state.noted.delete(requestId)
  state.index.delete(requestId)
}

/** Attempt numbers and history go on; retries and age start anew. */
export function replay(
  state: ModelState,
  settings: ModelSettings,
  now: number,
  requestId: string,
  deadlineAt: number | null,
): Exclude<ReplayReply, { kind: "replayed" }> | { kind: "replayed"; position: number | null } {
  const outcome = state.outcomes.get(requestId)
  if (outcome?.state !== "failed") {
    const known = stateOf(state, requestId)
    return known === null ? { kind: "unknown" } : { kind: "conflict", state: known }
  }
  const request: ModelRequest = {
    ...outcome.request,
    ...{ dueAt: now, deadlineAt, replays: outcome.request.replays + 1, retries: 0, timeouts: 0, lost: 0 },
  }
  state.outcomes.delete(requestId)
  state.index.delete(requestId)
  state.live.set(requestId, { ...request, place: enterLine(request, settings) })
  return { kind: "replayed", position: positionOf(state, requestId) }
}

/** Counts what left the lists. */
export function cleanup(
  state: ModelState,
  now: number,
  olderThanSeconds: number | null,
): Record<FinishedState, number> {
  const removed = Object.fromEntries(FINISHED_STATES.map((each) => [each, 0])) as Record<
    FinishedState,
    number
  >
  for (const [id, entry] of state.index) {
    const finishedAt = state.outcomes.get(id)?.finishedAt ?? 0
    const isOld = olderThanSeconds !== null && finishedAt <= now - olderThanSeconds * 1000
    // What has expired ends by itself, within the second.
    if (entry.expiresAt <= now) state.index.delete(id)
    else if (isOld) forget(state, id)
    else continue
    removed[entry.state] += 1
  }
  return removed
}

/** Marks what has been pending for too long; the next claim holds it as overdue. */
export function markTooOld(state: ModelState, settings: ModelSettings, now: number): void {
  const before = now - settings.maxPendingAgeSeconds * 1000
  for (const [id, { place, dueAt }] of state.live) {
    if (place.at === "line" && dueAt < before && requestIdTime(id) < before) state.tooOld.set(id, now)
  }
}
