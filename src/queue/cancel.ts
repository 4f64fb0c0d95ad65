import type { AuditEntry } from "../core/audit.ts"
import { requestIdTime } from "../core/ids.ts"
import type { FinishedState } from "../core/request.ts"
import { lineKeys, type QueueContext, runWithLines } from "./context.ts"
import type { CancelReply } from "./contract.ts"
import type { OutcomeSummary } from "./frames.ts"
import { dayOf } from "./keys.ts"
import type { ScriptCall } from "./store.ts"

/** The longest result TTL, days: a cancelled request's index is that of the day its own TTL ends. */
const LONGEST_TTL_DAYS = 30
/** Requests that one round trip cancels: some 100 kB of keys. */
export const CANCEL_GROUP = 50
const NOTHING: OutcomeSummary = { usage: null, error: null, attempt: null }

export type CancelScriptReply =
  | ["cancelled", string, string, number, string, string]
  | ["finished", string, string, string]
  | ["elsewhere"]
  | ["unknown"]

export async function cancel(
  context: QueueContext,
  requestId: string,
  organizationId: string | null,
  audit?: AuditEntry,
  deadLetter: "discard" | "keep" = "discard",
): Promise<CancelReply> {
  const [reply] = await runWithLines<[CancelScriptReply]>(context, "cancel", () => [
    cancelCall(context, requestId, organizationId, audit),
  ])
  if (reply[0] === "unknown" || reply[0] === "elsewhere") return { kind: "unknown" }
  if (reply[0] === "cancelled")
    return {
      ...{ kind: "cancelled", owner: reply[1] || null, attempt: Number(reply[2]) },
      ...{ organizationId: reply[4], trace: reply[5] },
      ...(reply[3] === 1 && { choresDue: true }),
    }
  const [, state, expiresAt, owningOrganization] = reply
  if (state === "completed" || deadLetter === "keep") return { kind: "completed" }
  const entry = { requestId, organizationId: owningOrganization, endsAt: Number(expiresAt) }
  const call = discardCall(
    context,
    "failed",
    dayOf(Number(expiresAt)),
    [entry],
    true,
    audit && { ...audit, action: "request.discarded" },
  )
  const [removed] = await context.store.run<[number]>("discard", [call])
  if (removed === 1) return { kind: "discarded" }
  // Replayed in between: it is a live request again, and that is what gets cancelled. Or discarded, by a twin or by
  // this very call when its answer was lost.
  const again = await cancel(context, requestId, organizationId, audit)
  return again.kind === "unknown" ? { kind: "discarded" } : again
}

/** Cancels in groups, each of them in one round trip. */
export async function cancelAll(
  context: QueueContext,
  requestIds: string[],
  organizationId: string,
): Promise<void> {
  for (let first = 0; first < requestIds.length; first += CANCEL_GROUP) {
    const group = requestIds.slice(first, first + CANCEL_GROUP)
    await runWithLines<CancelScriptReply[]>(context, "cancel", () =>
      group.map((requestId) => cancelCall(context, requestId, organizationId)),
    )
  }
}

/** `expected`: it is left alone unless it waits, or is processed. */
export function cancelCall(
  context: QueueContext,
  requestId: string,
  organizationId: string | null,
  audit?: AuditEntry,
  expected: "waiting" | "processing" | "" = "",
): ScriptCall {
  const { keys } = context
  const now = context.clock()
  const days = Array.from({ length: LONGEST_TTL_DAYS + 2 }, (_, i) => dayOf(now) + i)
  return {
    name: "cancel",
    keys: [
      ...[keys.meta, keys.live, keys.scheduled, keys.deadlines, keys.chores, ...lineKeys(context)],
      ...[
        keys.metadata(requestId),
        keys.body(requestId),
        keys.outcome(requestId),
        keys.attempts(requestId),
        keys.audit,
      ],
      ...days.map((day) => keys.finished("cancelled", day)),
    ],
    args: [
      ...[now, context.lines.join(" "), requestId, organizationId ?? "*", JSON.stringify(NOTHING)],
      ...[encodeAudit(audit), expected],
    ],
  }
}

/** A script that removes index entries, and with `outcomes` what they stand for. `endsAt`: only if it still ends then. */
export function discardCall(
  context: QueueContext,
  state: FinishedState,
  day: number,
  entries: { requestId: string; organizationId: string; endsAt?: number }[],
  outcomes: boolean,
  audit?: AuditEntry,
): ScriptCall {
  const { keys } = context
  return {
    name: "discard",
    keys: [
      ...[keys.meta, keys.finished(state, day), keys.audit],
      ...entries.flatMap(({ requestId, organizationId }) => [
        ...[keys.recent(organizationId, dayOf(requestIdTime(requestId))), keys.outcome(requestId)],
        ...[keys.body(requestId), keys.attempts(requestId)],
      ]),
    ],
    args: [
      ...[context.clock(), state, day, outcomes ? 1 : 0, encodeAudit(audit)],
      ...entries.flatMap(({ requestId, organizationId, endsAt }) => [
        requestId,
        organizationId,
        endsAt ?? "",
      ]),
    ],
  }
}

/** As scripts take it; empty when nothing is to be noted. */
export function encodeAudit(audit: AuditEntry | undefined): string {
  return audit === undefined ? "" : JSON.stringify(audit)
}
