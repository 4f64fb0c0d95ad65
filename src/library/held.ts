import type { ClaimedRequest, StatusReply } from "../compose.ts"
import type { RequestBody, Target } from "../core/request.ts"

/** Whose attempt is settled. An `AIRequest` that another process dequeued is one. */
export interface AttemptOf {
  attempt: number
  /** Whom it called; only needed for requests with a route or fallbacks. */
  target?: Target
}

/** A late answer is still taken, so a lease is remembered for a while after it ran out. */
const REMEMBERED_MS = 15 * 60_000
const NO_BODY: RequestBody = { messages: [], options: {}, providerOptions: {} }
/** Codes of attempts that do not count against `maxRetries`. */
const UNCOUNTED = ["provider_auth", "provider_quota"]

/** What was dequeued here and is not settled: what a settlement needs of it, without prompts. */
export class HeldRequests {
  readonly #held = new Map<string, ClaimedRequest>()

  add(claimed: ClaimedRequest[], now: number): void {
    for (const [requestId, { lease }] of this.#held) {
      if (lease.expiresAt + REMEMBERED_MS < now) this.#held.delete(requestId)
    }
    for (const each of claimed) this.#held.set(each.lease.requestId, { ...each, body: NO_BODY })
  }

  /** null: not held, or held with another attempt. */
  find(requestId: string, attempt: number | undefined): ClaimedRequest | null {
    const held = this.#held.get(requestId)
    return held === undefined || (attempt ?? held.lease.attempt) !== held.lease.attempt ? null : held
  }

  drop({ lease }: ClaimedRequest): void {
    if (this.#held.get(lease.requestId)?.lease.attempt === lease.attempt) this.#held.delete(lease.requestId)
  }
}

/** What a settlement needs of an attempt that another process made, as far as its status tells. */
export function claimedElsewhere(status: StatusReply, { attempt, target }: AttemptOf): ClaimedRequest {
  const { requestId, organizationId, resultTtlSeconds, attempts } = status
  const lost = attempts.find(({ number }) => number === attempt)
  const before = attempts.filter(({ number }) => number < attempt)
  const { provider, model } = target ?? lost ?? status
  // A replay starts anew after the failure that it follows.
  const lastLife = before.slice(before.findLastIndex(({ result }) => result === "failed") + 1)
  const retried = lastLife.filter(
    ({ result, error }) => result === "retry" && !UNCOUNTED.includes(error?.code ?? ""),
  )
  return {
    // The operation only matters to a release, which this never is.
    lease: { requestId, attempt, op: "", expiresAt: 0, organizationId, resultTtlSeconds, trace: "" },
    ...{ head: status, body: NO_BODY, target: { provider, model }, hasAlternative: false },
    retries: retried.length,
    timeouts: retried.filter((each) => each.error?.code === "timeout" && each.provider === provider).length,
    startedAt: lost?.startedAt ?? status.startedAt ?? status.createdAt,
    watchedUntil: 0,
    dueAt: status.createdAt,
  }
}
