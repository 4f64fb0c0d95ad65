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
import type { Course } from "./courses.ts"
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

/** Stores all or none; a repetition is told where the first and the last are by now, which are read side by side. */
export function* enqueue(
  state: ModelState,
  settings: ModelSettings,
  now: number,
  requests: NewRequest[],
  idempotency: Idempotency | null,
  readFirst: "first" | "last" = "first",
): Course<Enqueued | Refusal> {
  yield
  const enqueued = storeAll(state, settings, now, requests, idempotency)
  if (enqueued !== "repeated") return enqueued
  const replies = requests.map((request) => replyTo(now, request))
  const ends = [...new Set([0, replies.length - 1])]
  for (const i of readFirst === "first" ? ends : ends.reverse()) {
    const reply = replies[i]
    yield
    if (reply !== undefined) Object.assign(reply, placeOf(state, reply.requestId))
  }
  return { requests: replies, replayed: false }
}

/** What its script does. */
export function storeAll(
  state: ModelState,
  settings: ModelSettings,
  now: number,
  requests: NewRequest[],
  idempotency: Idempotency | null,
): Enqueued | Refusal | "repeated" {
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
  if (!isNew) return "repeated"
  for (const request of requests) store(state, settings, now, request)
  const replies = requests.map((request, i): EnqueueReply => {
    const isEnd = i === 0 || i === requests.length - 1
    return { ...replyTo(now, request), ...(isEnd ? placeOf(state, request.head.requestId) : {}) }
  })
  if (name !== null && idempotency !== null)
    state.remembered.set(name, { bodyHash: idempotency.bodyHash, replies })
  return { requests: replies, replayed: false }
}

function replyTo(now: number, { head }: NewRequest): EnqueueReply {
  const { requestId, createdAt } = head
  const dueAt = Math.max(head.scheduledAt ?? 0, createdAt)
  return { requestId, state: dueAt > now ? "scheduled" : "pending", position: null, createdAt }
}

function placeOf(state: ModelState, requestId: string): Partial<EnqueueReply> {
  const known = stateOf(state, requestId)
  return known === null ? {} : { state: known, position: positionOf(state, requestId) }
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

/** A dead letter is discarded, if it is still the one that was found. */
export function* cancel(
  state: ModelState,
  now: number,
  requestId: string,
  organizationId: string | null,
): Course<CancelReply> {
  yield
  let said = stop(state, now, requestId, organizationId)
  if (said.kind === "unknown") return said
  while (said.kind === "dead letter") {
    yield
    if (discard(state, requestId, said.expiresAt)) return { kind: "discarded" }
    yield
    said = stop(state, now, requestId, organizationId)
  }
  return said.kind === "unknown" ? { kind: "discarded" } : said
}

/** What the script of a cancel does. */
export function stop(
  state: ModelState,
  now: number,
  requestId: string,
  organizationId: string | null,
): CancelReply | { kind: "dead letter"; expiresAt: number } {
  const live = state.live.get(requestId)
  const outcome = state.outcomes.get(requestId)
  const owning = live?.organizationId ?? outcome?.request.organizationId
  if (owning === undefined || (organizationId !== null && organizationId !== owning))
    return { kind: "unknown" }
  if (live !== undefined) {
    const owner = live.place.at === "lease" && live.place.owner !== "overdue" ? live.place.owner : null
    const expiresAt = now + live.resultTtlSeconds * 1000
    finish(state, now, live, { state: "cancelled", code: "", expiresAt, endedBy: 0, abandonedBy: owner })
    return { kind: "cancelled", owner, attempt: live.attempt, organizationId: owning, trace: "" }
  }
  if (outcome?.state === "cancelled")
    return {
      ...{ kind: "cancelled", owner: outcome.abandonedBy, attempt: outcome.request.attempt },
      ...{ organizationId: owning, trace: "" },
    }
  if (outcome?.state === "failed") return { kind: "dead letter", expiresAt: outcome.expiresAt }
  return { kind: "completed" }
}

/** false: it is no longer the dead letter that ends then. */
export function discard(state: ModelState, requestId: string, expiresAt: number): boolean {
  const entry = state.index.get(requestId)
  if (entry?.state !== "failed" || entry.expiresAt !== expiresAt) return false
  forget(state, requestId)
  return true
}

function forget(state: ModelState, requestId: string): void {
  state.outcomes.delete(requestId)
  state.noted.delete(requestId)
  state.index.delete(requestId)
}

type Replayed = { kind: "replayed"; position: number | null }

const REPLAY_ROUNDS = 3

/** Attempt numbers and history go on; retries and age start anew. Reads the dead letter, then replays that very one. */
export function* replay(
  state: ModelState,
  settings: ModelSettings,
  now: number,
  requestId: string,
  deadlineAt: number | null,
  rounds = REPLAY_ROUNDS,
): Course<Exclude<ReplayReply, { kind: "replayed" }> | Replayed> {
  yield
  const outcome = state.outcomes.get(requestId)
  const replays = (outcome?.request.replays ?? 0) + 1
  yield
  if (outcome?.state === "failed") {
    if (isSameEnd(state.outcomes.get(requestId), outcome)) {
      const place = { dueAt: now, deadlineAt, replays, retries: 0, timeouts: 0, lost: 0 }
      const request: ModelRequest = { ...outcome.request, ...place }
      state.outcomes.delete(requestId)
      state.index.delete(requestId)
      state.live.set(requestId, { ...request, place: enterLine(request, settings) })
      return { kind: "replayed", position: positionOf(state, requestId) }
    }
    yield
  }
  const known = stateOf(state, requestId)
  if (known === null) return { kind: "unknown" }
  const request = state.live.get(requestId) ?? state.outcomes.get(requestId)?.request
  // A twin, or a first try whose answer was lost, has done what was asked for.
  if (outcome?.state === "failed" && request?.replays === replays && request.deadlineAt === deadlineAt)
    return { kind: "replayed", position: positionOf(state, requestId) }
  if (known !== "failed" || rounds === 1) return { kind: "conflict", state: known }
  return yield* replay(state, settings, now, requestId, deadlineAt, rounds - 1)
}

function isSameEnd(found: Outcome | undefined, read: Outcome): boolean {
  const told = ({ state, code, expiresAt, finishedAt, endedBy }: Outcome) =>
    [state, code, expiresAt, finishedAt, endedBy].join()
  return found !== undefined && told(found) === told(read)
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
