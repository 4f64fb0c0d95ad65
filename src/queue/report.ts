import type { Clock } from "../core/clock.ts"
import { requestIdTime } from "../core/ids.ts"
import type { Log } from "../core/log.ts"
import type { FinishedState } from "../core/request.ts"
import { type Trace, traceIdOf } from "../core/trace.ts"
import type { Tracing } from "../core/tracing.ts"
import type { CancelReply, Lease, NewRequest, ReplayReply } from "./contract.ts"
import { lineOf } from "./targets.ts"

/** Where it is told what callers do to requests: ids, names, counts and times, never content. */
export interface ReportDeps {
  clock: Clock
  log: Log
  tracing?: Tracing | null
}

/** Gives each the trace that it is stored with. `caller`: that of the call; empty: it has none. */
export function beginTraces(
  tracing: Tracing | null | undefined,
  requests: NewRequest[],
  caller: Trace,
): void {
  for (const request of requests) {
    request.trace = tracing ? tracing.begin(request.head.requestId, caller) : caller
  }
}

/** One line for all of them: a bulk of 1,000 would cost as much in lines as in commands. */
export function reportStored(
  { clock, log, tracing }: ReportDeps,
  requests: NewRequest[],
  caller: Trace,
  startedAt: number,
): void {
  const endedAt = clock()
  for (const { head, trace = "" } of tracing ? requests : []) {
    tracing?.stored({ head, line: lineOf(head), trace, caller, startedAt, endedAt })
  }
  const [first, last] = [requests[0], requests.at(-1)]
  if (first === undefined || last === undefined) return
  const { requestId, organizationId, provider, model, priority, batchId } = first.head
  const isOne = requests.length === 1
  log.info("stored", {
    ...(isOne
      ? { requestId, organizationId, provider, model, priority }
      : { count: requests.length, requestId, lastRequestId: last.head.requestId, organizationId }),
    ...(batchId !== null && { batchId }),
    traceId: traceIdOf(isOne ? (first.trace ?? "") : caller),
    ms: endedAt - startedAt,
  })
}

export function reportCancelled(deps: ReportDeps, requestId: string, reply: CancelReply): void {
  if (reply.kind === "discarded") deps.log.info("discarded", { requestId })
  if (reply.kind !== "cancelled") return
  reportEnded(deps, { ...reply, requestId }, { state: "cancelled" })
}

/** A request has its outcome. `since`: when that was known, epoch ms. */
export function reportEnded(
  { clock, log, tracing }: ReportDeps,
  {
    requestId,
    organizationId,
    trace,
    attempt,
  }: Pick<Lease, "requestId" | "organizationId" | "trace" | "attempt">,
  { state, code, since }: { state: FinishedState; code?: string | undefined; since?: number | undefined },
): void {
  const now = clock()
  const ms = now - requestIdTime(requestId)
  log.info("settled", { requestId, organizationId, traceId: traceIdOf(trace), attempt, state, code, ms })
  tracing?.ended({
    ...{ requestId, organizationId, trace, state, code: code ?? null, attempt },
    ...{ startedAt: since ?? now, endedAt: now },
  })
}

export function reportReplayed({ log }: ReportDeps, requestId: string, reply: ReplayReply): void {
  if (reply.kind !== "replayed") return
  const { head, trace } = reply
  log.info("replayed", { requestId, organizationId: head.organizationId, traceId: traceIdOf(trace) })
}
