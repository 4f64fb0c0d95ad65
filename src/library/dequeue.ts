import {
  type ClaimedRequest,
  type QueueServices,
  reportOutcome,
  type Settlement,
  settleOverdue,
} from "../compose.ts"
import { newOperationId } from "../core/ids.ts"

/** One reply of Upstash may have 10 MB, and JSON in JSON can double in it. */
const MAX_BYTES = 4 * 1024 * 1024
/** Of any request: whoever dequeues has its own time. */
const MAX_TIMEOUT_MS = 600_000

/**
 * Claims for one process. The store tells a repeated claim by its owner's last one, so two at a time need two owners;
 * few are used, again and again, since the store remembers each for two minutes.
 */
export class Dequeuer {
  readonly #name: string
  readonly #free: string[] = []
  #epoch = ""
  #owners = 0

  constructor(name: string) {
    this.#name = name
  }

  /** The best of all lines, at most `limit`. What has to end without a call, the hourly work and a roll are seen to as well. */
  async claim(services: QueueServices, limit: number): Promise<ClaimedRequest[]> {
    const owner = this.#free.pop() ?? this.#newOwner()
    try {
      const claim = await services.queue.claim({
        ...{ owner, limit, maxBytes: MAX_BYTES, maxTimeoutMs: MAX_TIMEOUT_MS },
      })
      const { queue } = services
      await Promise.all([
        claim.overdue.length > 0 &&
          tryTo(services, "settle", () => settleAll(services, claim.overdue.map(settleOverdue))),
        claim.maintenanceDue && tryTo(services, "maintain", () => queue.maintain()),
        claim.rollDue && tryTo(services, "roll", () => queue.roll()),
      ])
      return claim.requests
    } finally {
      this.#free.push(owner)
    }
  }

  /** Made when it is first needed: Workers have no randomness outside of a handler. */
  #newOwner(): string {
    this.#epoch ||= newOperationId()
    const suffix = this.#owners === 0 ? "" : `.${this.#owners}`
    this.#owners += 1
    return `library-${this.#name}:${this.#epoch}${suffix}`
  }
}

async function settleAll(services: QueueServices, settlements: Settlement[]): Promise<void> {
  const replies = await services.queue.settle(settlements)
  for (const [i, settlement] of settlements.entries()) {
    reportOutcome(services, settlement, replies[i] ?? "gone")
  }
  void services.tracing?.flushSoon()
}

/** What others do as well if this fails, so it must not cost the requests that were claimed. */
async function tryTo({ log }: QueueServices, op: string, act: () => Promise<unknown>): Promise<void> {
  await act().catch(() => log.warn("store_failed", { op }))
}
