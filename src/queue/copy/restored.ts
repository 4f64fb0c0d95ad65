import { batchRequestIndex } from "../../core/ids.ts"
import { BATCH_PREFIXES } from "../batches.ts"
import type { Batch } from "../batches-contract.ts"
import { decodeOutcome } from "../frames.ts"
import { decodeRecord, encodeRecord, type LiveRecord } from "../record.ts"
import { priorityOf, scoreOf } from "../score.ts"
import type { Left, Place, Restored, StateCounts, StoredRequest } from "./contract.ts"

export interface RestoreRules {
  /** When the copy was begun. */
  takenAt: number
  /** What has ended by then is not put back. */
  asOf: number
  retryPenaltyMs: number
  /** As they stood before any request was read. */
  batches: Map<string, Batch>
}

/**
 * What a copied request becomes. A lease is nobody's any more: its attempt is noted as lost, since it may have been paid
 * for, and the request goes back to its line; what was only to be failed stays so.
 */
export function restoreRequest(stored: StoredRequest, rules: RestoreRules): Restored | Left {
  return stored.kind === "live" ? restoreLive(stored, rules) : restoreEnded(stored, rules)
}

/** Whose a request is, and its state where it was read: a lease is in flight. */
export function stateOf(stored: StoredRequest): { organizationId: string; state: keyof StateCounts } {
  if (stored.kind === "ended") return decodeOutcome(withoutResponse(stored.outcome))
  const record = decodeRecord(stored.record)
  if (record.owner !== "") return { organizationId: record.organization, state: "processing" }
  const { state } = placeOf(record, stored.scheduledAt, { takenAt: 0, retryPenaltyMs: 0 })
  return { organizationId: record.organization, state }
}

function restoreLive(
  { requestId, record: text, scheduledAt }: StoredRequest & { kind: "live" },
  { takenAt, retryPenaltyMs, batches }: RestoreRules,
): Restored | Left {
  const copied = decodeRecord(text)
  const batch = batches.get(copied.batch)
  if (copied.batch !== "" && batch === undefined) return "repeated"
  if (batch !== undefined && isRepeated(requestId, batch)) return "repeated"
  const isLeased = copied.owner !== "" && copied.owner !== OVERDUE
  const record = isLeased ? withoutLease(copied, takenAt) : copied
  const place = placeOf(record, scheduledAt, { takenAt, retryPenaltyMs })
  return {
    ...{ requestId, organizationId: record.organization, kind: "live", record },
    text: isLeased ? encodeRecord(record) : text,
    ...place,
  }
}

/** As `lua/include/housekeeping.lua` names whoever holds what is only to be failed. */
const OVERDUE = "overdue"

/** As when a lease runs out, but that it is not counted: the request is not to blame. */
function withoutLease(record: LiveRecord, lostAt: number): LiveRecord {
  const span = [record.attempt, record.startedAt, lostAt, record.target].join(":")
  const history = record.history === "" ? span : `${record.history};${span}`
  return { ...record, owner: "", op: "", provider: "", history }
}

function placeOf(
  record: LiveRecord,
  scheduledAt: number | null,
  { takenAt, retryPenaltyMs }: Pick<RestoreRules, "takenAt" | "retryPenaltyMs">,
): { place: Place; state: "scheduled" | "pending" | "processing" } {
  // A lease that has run out: the next claim hands it out again, to be failed for the same reason.
  if (record.owner === OVERDUE) {
    return { place: { name: `leases:${record.provider}`, score: takenAt }, state: "processing" }
  }
  // One that ages from no instant yet has never been in its line.
  if (scheduledAt !== null || record.effectiveAt === 0) {
    return { place: { name: "scheduled", score: scheduledAt ?? record.dueAt }, state: "scheduled" }
  }
  const priority = priorityOf(record.level)
  const score = scoreOf(priority, record.effectiveAt, record.retries, retryPenaltyMs)
  return { place: { name: `line:${record.line}`, score }, state: "pending" }
}

function restoreEnded(
  { requestId, outcome }: StoredRequest & { kind: "ended" },
  { asOf, batches }: RestoreRules,
): Restored | Left {
  const { state, expiresAt, organizationId, record } = decodeOutcome(withoutResponse(outcome))
  if (expiresAt <= asOf) return "expired"
  const batch = batches.get(record.batch)
  if (batch !== undefined && isRepeated(requestId, batch)) return "repeated"
  return {
    ...{ requestId, organizationId, kind: "ended", state, expiresAt },
    ...{ batch: record.batch, hasCallback: record.callback !== "" },
  }
}

/** Its first four lines: the response is the user's, and long. */
function withoutResponse(outcome: string): string {
  let end = -1
  for (let line = 0; line < 4; line++) end = outcome.indexOf("\n", end + 1)
  return outcome.slice(0, end)
}

/**
 * A line that the copied batch does not know to be enqueued: it enqueues the whole group again, which only works where
 * none of it is there.
 */
function isRepeated(requestId: string, { batchId, kind, phase, reached }: Batch): boolean {
  const isBefore = phase === "validate" || phase === "enqueue"
  return isBefore && batchRequestIndex(requestId, batchId, BATCH_PREFIXES[kind]) >= reached
}
