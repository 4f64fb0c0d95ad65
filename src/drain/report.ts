import type { Log } from "../core/log.ts"
import { traceIdOf } from "../core/trace.ts"
import type { Tracing } from "../core/tracing.ts"
import type { ClaimedRequest, Decision, Lease, Settlement, SettleReply } from "../queue/contract.ts"
import { type ReportDeps, reportEnded } from "../queue/report.ts"
import { lineOf } from "../queue/targets.ts"

/** What a drain did. Counts are of settlements that the store took; `noted`: another had the last word. */
export interface DrainReport {
  claimed: number
  completed: number
  failed: number
  retried: number
  returned: number
  released: number
  noted: number
  /** Operations of the store that failed, and answers that could not be saved. */
  errors: number
  /** Requests that could start but were left, as the last claim told. */
  remaining: number
  /** When a claim can find something next, epoch ms; null: nothing is known to come. */
  wakeAt: number | null
}

const COUNTED_AS = {
  completed: "completed",
  failed: "failed",
  retry: "retried",
  return: "returned",
  release: "released",
  note: "noted",
} as const satisfies Record<Decision["kind"], keyof DrainReport>

export function newReport(): DrainReport {
  return {
    claimed: 0,
    completed: 0,
    failed: 0,
    retried: 0,
    returned: 0,
    released: 0,
    noted: 0,
    errors: 0,
    remaining: 0,
    wakeAt: null,
  }
}

/** What any line of a request begins with. */
function lineFields({ requestId, organizationId, trace }: Lease) {
  return { requestId, organizationId, traceId: traceIdOf(trace) }
}

export function reportClaimed(
  log: Log,
  { lease, target, startedAt, dueAt }: ClaimedRequest,
  owner: string,
): void {
  log.info("claimed", {
    ...lineFields(lease),
    ...{ attempt: lease.attempt, provider: target.provider, model: target.model },
    ...{ waitMs: Math.max(0, startedAt - dueAt), owner },
  })
}

/** The attempt's span, whatever the store will say to its settlement. */
export function reportCall(
  tracing: Tracing | null | undefined,
  { lease, head, dueAt, startedAt }: ClaimedRequest,
  { attempt, result }: Pick<Settlement, "attempt" | "result">,
): void {
  if (tracing == null || attempt === null) return
  const { trace } = lease
  tracing.called({ head, line: lineOf(head), trace, attempt, result, dueAt, claimedAt: startedAt })
}

/** Counts one settlement. */
export function reportSettled(
  report: DrainReport,
  deps: ReportDeps,
  settlement: Settlement,
  reply: SettleReply,
): void {
  const { lease, decision, attempt, result } = settlement
  report[reply === "settled" ? COUNTED_AS[decision.kind] : "noted"] += 1
  deps.log.info("attempt", {
    ...lineFields(lease),
    attempt: lease.attempt,
    decision: decision.kind,
    reply,
    provider: attempt?.provider,
    code: attempt?.error?.code ?? result.error?.code,
    status: attempt?.status,
    ms: attempt === null ? undefined : attempt.finishedAt - attempt.startedAt,
    dueAt: decision.kind === "retry" ? decision.dueAt : undefined,
  })
  reportOutcome(deps, settlement, reply)
}

/** Only where this settlement is the one that ended the request. */
export function reportOutcome(
  deps: ReportDeps,
  { lease, decision, attempt, result }: Settlement,
  reply: SettleReply,
): void {
  const { kind: state } = decision
  if (reply !== "settled" || (state !== "completed" && state !== "failed")) return
  reportEnded(deps, lease, { state, code: result.error?.code, since: attempt?.finishedAt })
}

/** Logs what a drain did, if it did anything. */
export function reportEnd(report: DrainReport, log: Log, owner: string, ms: number): void {
  const { remaining, wakeAt, ...counts } = report
  if (Object.values(counts).some((count) => count > 0))
    log.info("drain", { owner, ms, ...counts, remaining, wakeAt })
}
