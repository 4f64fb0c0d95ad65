import { requireOrganization, requirePriority } from "../auth/principal.ts"
import type { ReadRequests, RequestRules } from "../core/contracts/new-request.ts"
import { invalid } from "../core/contracts/problem.ts"
import { AppError } from "../core/errors.ts"
import type { RequestHead } from "../core/request.ts"
import { readTraceparent, type Trace } from "../core/trace.ts"
import type { Enqueued, EnqueueReply, Idempotency, NewRequest, RequestQueue } from "../queue/contract.ts"
import { beginTraces, type ReportDeps, reportStored } from "../queue/report.ts"
import type { JsonBody } from "./body.ts"
import type { AppContext, Services } from "./context.ts"
import { identify, readIdempotencyKey } from "./idempotency.ts"
import { sendSpans, servicesOf, wakeLanes } from "./resource.ts"
import { checkCommandSize } from "./sizes.ts"

/** What the enqueue routes answer, per request. */
export type EnqueuedRequest = EnqueueReply & Pick<RequestHead, "priority" | "provider" | "model">

/** Reads requests from a body with `read` and stores all of them, or none. `organizationId`: theirs where they name none. One round trip. */
export async function enqueue(
  c: AppContext,
  { value, bytes }: JsonBody,
  read: (value: unknown, rules: RequestRules) => ReadRequests,
  organizationId = c.get("principal").organizationId,
): Promise<EnqueuedRequest[]> {
  const services = servicesOf(c)
  const principal = c.get("principal")
  const idempotencyKey = readIdempotencyKey(c)
  const { requests, problems } = read(value, rulesOf(services, organizationId))
  if (requests === null) throw invalid("The body", problems)
  checkCommandSize(requests, bytes)
  for (const { head } of requests) {
    requirePriority(principal, head.priority)
    requireOrganization(principal, head.organizationId)
  }
  const idempotency = idempotencyKey === null ? null : await identify(c.req.path, idempotencyKey, requests)
  const caller = readTraceparent(c.req.header("traceparent"))
  const stored = await store(services, requests, idempotency, caller)
  sendSpans(c)
  wakeLanes(c, Math.min(...requests.map(({ head }) => head.scheduledAt ?? 0)))
  if (stored.replayed) c.header("Idempotency-Replayed", "true")
  return stored.requests.map((reply, i) => present(reply, requests[i]?.head))
}

export function present(reply: EnqueueReply, head: RequestHead | undefined): EnqueuedRequest {
  if (head === undefined) throw new AppError("internal", "A reply without its request.", { op: "enqueue" })
  const { requestId, state, position, createdAt } = reply
  return {
    requestId,
    state,
    position,
    priority: head.priority,
    provider: head.provider,
    model: head.model,
    createdAt,
  }
}

function rulesOf({ config, clock, newRequestId }: Services, organizationId: string): RequestRules {
  return { config, organizationId, now: clock(), newRequestId }
}

/** `caller`: the trace that the call came with. When the store went silent, the caller must know that the requests may be there after all, and under which ids. */
export async function store(
  deps: ReportDeps & { queue: RequestQueue },
  requests: NewRequest[],
  idempotency: Idempotency | null,
  caller: Trace,
): Promise<Enqueued> {
  const { queue, clock, tracing } = deps
  const startedAt = clock()
  beginTraces(tracing, requests, caller)
  const ids = requests.map(({ head }) => head.requestId)
  const stored = await naming(ids.length === 1 ? { requestId: ids[0] } : { requestIds: ids }, async () => {
    if (idempotency !== null) return queue.enqueueOnce(requests, idempotency)
    return { requests: await queue.enqueue(requests), replayed: false }
  })
  if (!stored.replayed) reportStored(deps, requests, caller, startedAt)
  return stored
}

/** Stores something new; an error after which it may be stored all the same says so, with the names to look for. */
export async function naming<Result>(
  names: Record<string, unknown>,
  storeIt: () => Promise<Result>,
): Promise<Result> {
  try {
    return await storeIt()
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "store_unavailable") throw error
    const { code, message, op, cause, retryAfterSeconds = 5 } = error
    throw new AppError(code, message, {
      ...(op === undefined ? {} : { op }),
      cause,
      retryAfterSeconds,
      extra: { ...names, maybeStored: true },
    })
  }
}
