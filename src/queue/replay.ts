import type { AuditEntry } from "../core/audit.ts"
import { AppError } from "../core/errors.ts"
import { requestIdTime } from "../core/ids.ts"
import type { RequestStatus } from "../core/outcome.ts"
import { encodeAudit } from "./cancel.ts"
import { lineKeys, type QueueContext, runWithLines } from "./context.ts"
import type { ReplayReply } from "./contract.ts"
import { RECENT_TTL_DAYS } from "./enqueue.ts"
import { decodeOutcome, readHead, type StoredEnding } from "./frames.ts"
import { dayOf } from "./keys.ts"
import { encodeRecord, type LiveRecord } from "./record.ts"
import { findStatus } from "./status.ts"
import type { ScriptCall } from "./store.ts"

/** Others may keep replaying it, and it may keep failing. */
const ROUNDS = 3

/** What it did, and the position. */
export type ReplayScriptReply = ["replayed" | "changed" | "no_body", number?]

/** Reads the dead letter, then puts it back if it is still the same: two round trips. */
export async function replay(
  context: QueueContext,
  requestId: string,
  organizationId: string | null,
  changes: { deadlineAt: number | null },
  audit?: AuditEntry,
  rounds = ROUNDS,
): Promise<ReplayReply> {
  const { keys } = context
  // It may have failed, or failed again, since it was read: that is a dead letter to replay.
  const conflict = ({ state }: RequestStatus): ReplayReply | Promise<ReplayReply> =>
    state !== "failed" || rounds === 1
      ? { kind: "conflict", state }
      : replay(context, requestId, organizationId, changes, audit, rounds - 1)
  const [text] = await context.store.query<[string | null]>("replay", [["GET", keys.outcome(requestId)]])
  const outcome = text === null ? null : decodeOutcome(text)
  if (outcome?.state !== "failed" || (organizationId !== null && outcome.organizationId !== organizationId)) {
    const status = await findStatus(context, requestId, organizationId)
    return status === null ? { kind: "unknown" } : conflict(status)
  }
  const record = replayedRecord(outcome, context.clock(), changes.deadlineAt)
  const head = readHead(requestId, record, outcome.metadata)
  const [[answer, position]] = await runWithLines<[ReplayScriptReply]>(context, "replay", () => [
    replayCall(context, requestId, outcome, record, audit),
  ])
  if (answer === "replayed")
    return {
      kind: "replayed",
      reply: { requestId, state: "pending", position: position ?? null, createdAt: head.createdAt },
      head,
      trace: record.trace,
    }
  if (answer === "no_body")
    throw new AppError("conflict", "The request's messages are no longer kept.", { op: "replay" })
  // Another replay was faster, or this one's own lost answer had been executed: then all is as it asked for.
  const status = await findStatus(context, requestId, organizationId)
  if (status === null) return { kind: "unknown" }
  const isAsAsked = status.replays === record.replays && status.deadlineAt === changes.deadlineAt
  if (!isAsAsked) return conflict(status)
  return {
    kind: "replayed",
    reply: { requestId, state: status.state, position: status.position, createdAt: head.createdAt },
    head,
    trace: record.trace,
  }
}

export function replayCall(
  context: QueueContext,
  requestId: string,
  ending: StoredEnding,
  record: LiveRecord,
  audit?: AuditEntry,
): ScriptCall {
  const { keys } = context
  const day = dayOf(ending.expiresAt)
  return {
    name: "replay",
    keys: [
      ...[keys.meta, keys.live, keys.scheduled, keys.deadlines, ...lineKeys(context)],
      ...[keys.metadata(requestId), keys.body(requestId), keys.outcome(requestId), keys.attempts(requestId)],
      keys.finished("failed", day),
      keys.recent(ending.organizationId, dayOf(requestIdTime(requestId))),
      keys.audit,
    ],
    args: [
      ...[context.clock(), context.lines.join(" "), requestId, ending.header, day],
      ...[encodeRecord(record), ending.metadata, (dayOf(context.clock()) + RECENT_TTL_DAYS) * 86_400],
      ...[encodeAudit(audit), context.settings.fairShareMs],
    ],
  }
}

export function replayedRecord({ record }: StoredEnding, now: number, deadlineAt: number | null): LiveRecord {
  return {
    ...record,
    createdAt: record.createdAt || record.dueAt,
    ...{ dueAt: now, effectiveAt: 0, deadlineAt: deadlineAt ?? 0, replays: record.replays + 1 },
    ...{ retries: 0, timeouts: "", avoid: "", lost: 0, owner: "", op: "", provider: "", dueAgainAt: 0 },
    // It has counted as ended. Its batch may have ended too: then nobody would take a new count away.
    batch: "",
  }
}
