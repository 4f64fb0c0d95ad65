import type { Clock, Random } from "../core/clock.ts"
import type { Config } from "../core/config.ts"
import { kindOf } from "../core/errors.ts"
import type { Log } from "../core/log.ts"
import { PRIORITIES } from "../core/request.ts"
import type { SetTimer } from "../core/timers.ts"
import { isSampled, spanId, underSpan, writeTraceparent } from "../core/trace.ts"
import type { Tracing } from "../core/tracing.ts"
import type { CallOutcome, ProviderCall } from "../providers/provider.ts"
import type { ClaimedRequest, Lease, RequestQueue, Settlement } from "../queue/contract.ts"
import type { Budget } from "./budget.ts"
import { decideOutcome, handBack, isPastDeadline, settleOverdue } from "./decide-outcome.ts"
import type { HeldRequest } from "./hand.ts"
import { fetchInSlot, type ReleaseSlot, type Slots } from "./slots.ts"

/** What a lease must cover beyond the call's timeout: settling it, and clocks that disagree. */
const LEASE_MARGIN_MS = 10_000

/** What a drain calls: a provider, or what stands in for one and wants to know whose call it is. */
export interface Caller {
  readonly name: string
  /** Never throws: every end is an outcome. */
  call(call: ProviderCall & { claimed: ClaimedRequest }): Promise<CallOutcome>
}

export interface CallDeps {
  queue: Pick<RequestQueue, "extend">
  config: Pick<Config, "retryBaseMs" | "retryCapMs" | "maxResultBytes">
  clock: Clock
  random: Random
  log: Log
  tracing?: Tracing | null
  fetch: typeof fetch
  setTimer: SetTimer
  slots: Slots
  /** Connections to the store beside the drain's own. */
  storeSlots: Slots
  budget: Budget
  /** Told the call's text so far, as it comes. */
  onText?: (text: string) => void
}

/**
 * Waits for a connection slot, calls the provider, decides. Never throws. null: the lease was lost
 * before the call, so there is nothing to tell.
 */
export async function callRequest(
  deps: CallDeps,
  held: HeldRequest,
  provider: Caller,
): Promise<Settlement | null> {
  const { lease, head } = held.claimed
  let release: ReleaseSlot
  try {
    release = await deps.slots.acquire(held.abort.signal, PRIORITIES.indexOf(head.priority))
  } catch {
    return null
  }
  try {
    const { clock, budget } = deps
    if (isPastDeadline(head, clock())) return settleOverdue({ lease, reason: "deadline_exceeded" })
    const longestMs = budget.longestTimeoutMs(clock())
    if (longestMs === null || head.timeoutMs > longestMs) return handBack(lease)
    const isCovered = await coverCall(deps, lease, head.timeoutMs)
    if (isCovered !== "covered") return isCovered === "lost" ? null : handBack(lease)
    if (held.abort.signal.aborted) return null

    held.called = true
    budget.spend(1)
    const startedAt = clock()
    const outcome = await callProvider(deps, provider, held, release)
    const { random, config } = deps
    const decided = decideOutcome({
      claimed: held.claimed,
      outcome,
      startedAt,
      now: clock(),
      random,
      settings: config,
      isGivenBack: held.isGivenBack,
    })
    return { lease, ...decided }
  } finally {
    release()
  }
}

/** Makes sure that nobody else may call the provider for this request before the call can have ended. */
async function coverCall(
  { queue, clock, storeSlots, budget, log }: CallDeps,
  lease: Lease,
  timeoutMs: number,
): Promise<"covered" | "lost" | "unsure"> {
  if (lease.expiresAt >= clock() + timeoutMs + LEASE_MARGIN_MS) return "covered"
  const release = await storeSlots.acquire()
  try {
    budget.spend(1)
    const isHeld = await queue.extend(lease, clock() + timeoutMs + LEASE_MARGIN_MS)
    return isHeld ? "covered" : "lost"
  } catch {
    log.warn("lease_not_extended", { requestId: lease.requestId, attempt: lease.attempt })
    return "unsure"
  } finally {
    release()
  }
}

async function callProvider(
  { config, fetch, setTimer, log, tracing, onText }: CallDeps,
  provider: Caller,
  { claimed, abort }: HeldRequest,
  release: ReleaseSlot,
): Promise<CallOutcome> {
  try {
    return await provider.call({
      claimed,
      model: claimed.target.model,
      body: claimed.body,
      timeoutMs: claimed.head.timeoutMs,
      maxResultBytes: config.maxResultBytes,
      signal: abort.signal,
      ...(onText && { onText }),
      ...(claimed.lease.trace !== "" && { traceparent: traceparentOf(claimed.lease, tracing != null) }),
      fetch: fetchInSlot(fetch, release),
      setTimer,
    })
  } catch (error) {
    // An adapter never throws; if one does, its request must still come to an end.
    log.error("provider_threw", {
      requestId: claimed.head.requestId,
      attempt: claimed.lease.attempt,
      provider: provider.name,
      kind: kindOf(error),
    })
    return { kind: "failed", failure: INTERNAL_FAILURE, usage: null }
  }
}

/** Where no span is made of the call, what stands above it is told. */
function traceparentOf({ requestId, attempt, trace }: Lease, isTraced: boolean): string {
  const isSpan = isTraced && isSampled(trace)
  return writeTraceparent(isSpan ? underSpan(trace, spanId(requestId, `call ${attempt}`)) : trace)
}

const INTERNAL_FAILURE = {
  error: {
    code: "internal",
    message: "The request could not be called because of an error of ours.",
    retryable: true,
    status: null,
  },
  scope: "request",
  retryAfterMs: null,
  providerRequestId: null,
  possiblyBilled: true,
  partialText: null,
} as const
