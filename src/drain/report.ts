import type { Log } from "../core/log.ts"
import type { Decision, Settlement, SettleReply } from "../queue/contract.ts"

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

/** Counts one settlement and logs it: ids, codes and times, never content. */
export function reportSettled(
  report: DrainReport,
  log: Log,
  { lease, decision, attempt, result }: Settlement,
  reply: SettleReply,
): void {
  report[reply === "settled" ? COUNTED_AS[decision.kind] : "noted"] += 1
  log.info("attempt", {
    requestId: lease.requestId,
    attempt: lease.attempt,
    decision: decision.kind,
    reply,
    provider: attempt?.provider,
    code: attempt?.error?.code ?? result.error?.code,
    status: attempt?.status,
    ms: attempt === null ? undefined : attempt.finishedAt - attempt.startedAt,
    dueAt: decision.kind === "retry" ? decision.dueAt : undefined,
  })
}

/** Logs what a drain did, if it did anything. */
export function reportEnd(report: DrainReport, log: Log, owner: string, ms: number): void {
  const { remaining, wakeAt, ...counts } = report
  if (Object.values(counts).some((count) => count > 0))
    log.info("drain", { owner, ms, ...counts, remaining, wakeAt })
}
