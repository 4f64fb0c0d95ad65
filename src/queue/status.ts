import type { AttemptRecord, RequestStatus } from "../core/outcome.ts"
import type { RequestHead, RequestState, Target } from "../core/request.ts"
import { learn, lineKeys, type QueueContext } from "./context.ts"
import type { StatusOptions, StatusReply } from "./contract.ts"
import { estimateStart } from "./estimate.ts"
import { decodeBody, decodeOutcome, readHead, type StoredAttempt } from "./frames.ts"
import { decodeRecord, type LiveRecord, lostAttempts } from "./record.ts"
import { targetOf } from "./targets.ts"

/** What `lua/include/view.lua` returns. */
export type View =
  | ["unknown"]
  | ["line", string]
  | ["finished", string, string[]]
  | [RequestState, string | number, string, string | null, string[], string?]

/** null when unknown, past its TTL, or not of `organizationId` (null: any). One round trip. */
export async function findStatus(
  context: QueueContext,
  requestId: string,
  organizationId: string | null,
  options: StatusOptions = {},
): Promise<StatusReply | null> {
  const { keys } = context
  const [[view, body]] = await context.store.run<[[View, string | null]]>("status", [
    {
      name: "status",
      keys: [
        ...[keys.meta, keys.live, keys.scheduled, keys.metadata(requestId), keys.body(requestId)],
        ...[keys.outcome(requestId), keys.attempts(requestId), ...lineKeys(context)],
      ],
      args: [context.clock(), context.lines.join(" "), requestId, options.includeMessages ? 1 : 0],
    },
  ])
  if (learnLine(context, view)) return findStatus(context, requestId, organizationId, options)
  const status = readView(requestId, view, context.clock())
  if (status === null || (organizationId !== null && status.organizationId !== organizationId)) return null
  if (!options.includeMessages) return status
  return { ...status, messages: body ? decodeBody(body).messages : null }
}

/** True when the view names a line of which the keys were missing: now it is known, ask again. */
export function learnLine(context: QueueContext, view: View): boolean {
  if (view[0] !== "line") return false
  learn(context, [view[1]])
  return true
}

export function readView(requestId: string, view: View, now: number): RequestStatus | null {
  if (view[0] === "unknown" || view[0] === "line") return null
  if (view[0] === "finished") return readFinished(requestId, view[1] as string, view[2] as string[])
  const [state, place, packed, metadata, attempts, starts = ""] = view as [
    RequestState,
    string | number,
    string,
    string | null,
    string[],
    string?,
  ]
  const record = decodeRecord(packed)
  const status = readLive(state, Number(place), record, readHead(requestId, record, metadata), attempts)
  return { ...status, estimatedStartAt: estimateStart(starts, status.position, now) }
}

function readLive(
  state: RequestState,
  place: number,
  record: LiveRecord,
  head: RequestHead,
  stored: string[],
): RequestStatus {
  const attempts = mergeAttempts(record, readAttempts(stored), [])
  return {
    ...head,
    state,
    position: state === "pending" ? place : null,
    estimatedStartAt: null,
    scheduledAt: state === "scheduled" ? place : head.scheduledAt,
    replays: record.replays,
    startedAt: record.startedAt || null,
    finishedAt: null,
    attempts,
    response: null,
    usage: null,
    costUsd: null,
    error: attempts.at(-1)?.error ?? null,
  }
}

function readFinished(requestId: string, text: string, stored: string[]): RequestStatus {
  const { state, metadata, record, summary, response, finishedAt } = decodeOutcome(text)
  const history = readAttempts(stored)
  const ended = summary.attempt === null ? [] : [summary.attempt]
  const attempts = mergeAttempts(record, history, ended)
  // The call went on when the request was cancelled, and nobody has settled it.
  if (
    state === "cancelled" &&
    record.owner !== "" &&
    !attempts.some(({ number }) => number === record.attempt)
  ) {
    const { attempt: number, startedAt, target } = record
    const cancelled = unsettled(targetOf(record, target), { number, startedAt, finishedAt })
    attempts.push({ ...cancelled, result: "cancelled" })
  }
  return {
    ...readHead(requestId, record, metadata),
    state,
    position: null,
    estimatedStartAt: null,
    replays: record.replays,
    startedAt: record.startedAt || null,
    finishedAt,
    attempts,
    response,
    usage: summary.usage ?? history.findLast(({ usage }) => usage)?.usage ?? null,
    costUsd: null,
    error: summary.error,
  }
}

function readAttempts(stored: string[]): StoredAttempt[] {
  return stored.filter((_, i) => i % 2 === 1).map((json) => JSON.parse(json) as StoredAttempt)
}

/** History, lost leases and the last attempt, by number; what an attempt itself reported wins over its lost lease. */
function mergeAttempts(
  record: LiveRecord,
  history: StoredAttempt[],
  ended: AttemptRecord[],
): AttemptRecord[] {
  const byNumber = new Map<number, AttemptRecord>()
  for (const lost of lostAttempts(record)) {
    byNumber.set(lost.number, unsettled(targetOf(record, lost.target), lost))
  }
  for (const { usage: _, ...attempt } of history) byNumber.set(attempt.number, attempt)
  for (const attempt of ended) byNumber.set(attempt.number, attempt)
  return [...byNumber.values()].sort((a, b) => a.number - b.number)
}

function unsettled(
  target: Target,
  times: Pick<AttemptRecord, "number" | "startedAt" | "finishedAt">,
): AttemptRecord {
  const { number, startedAt, finishedAt } = times
  return {
    number,
    ...target,
    startedAt,
    finishedAt,
    result: "lease_expired",
    error: {
      code: "lease_expired",
      message: "The worker that held the request stopped answering.",
      retryable: true,
      status: null,
    },
    status: null,
    providerRequestId: null,
    possiblyBilled: true,
  }
}
