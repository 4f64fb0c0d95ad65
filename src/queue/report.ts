import type { Clock } from "../core/clock.ts"
import { requestIdTime } from "../core/ids.ts"
import type { Log } from "../core/log.ts"
import { type Trace, traceIdOf } from "../core/trace.ts"
import type { Tracing } from "../core/tracing.ts"
import type { CancelReply, NewRequest, ReplayReply } from "./contract.ts"
import { lineOf } from "./targets.ts"

/** Where it is told what callers do to requests: ids, names, counts and times, never content. */
export interface ReportDeps {
  clock: Clock
  log: Log
  tracing: Tracing | null
}

/** Gives each the trace that it is stored with. `caller`: that of the call; empty: it has none. */
export function beginTraces(tracing: Tracing | null, requests: NewRequest[], caller: Trace): void {
  for (const request of requests) {
    request.trace = tracing === null ? caller : tracing.begin(request.head.requestId, caller)
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
  for (const { head, trace = "" } of tracing === null ? [] : requests) {
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

export function reportCancelled(
  { clock, log, tracing }: ReportDeps,
  requestId: string,
  reply: CancelReply,
): void {
  if (reply.kind === "discarded") log.info("discarded", { requestId })
  if (reply.kind !== "cancelled") return
  const { organizationId, trace, attempt } = reply
  const now = clock()
  const traceId = traceIdOf(trace)
  const ms = now - requestIdTime(requestId)
  log.info("settled", { requestId, organizationId, traceId, attempt, state: "cancelled", ms })
  tracing?.ended({
    ...{ requestId, organizationId, trace, state: "cancelled", code: null, attempt },
    ...{ startedAt: now, endedAt: now },
  })
}

export function reportReplayed({ log }: ReportDeps, requestId: string, reply: ReplayReply): void {
  if (reply.kind !== "replayed") return
  const { head, trace } = reply
  log.info("replayed", { requestId, organizationId: head.organizationId, traceId: traceIdOf(trace) })
}
