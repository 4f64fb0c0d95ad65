import {
  type Answer,
  type CallOutcome,
  type ClaimedRequest,
  decideOutcome,
  type FailureReport,
  type QueueServices,
  readAnswer,
  readFailure,
  reportCall,
  reportOutcome,
} from "../compose.ts"
import { checkWhole } from "../core/check-whole.ts"
import { isRequestId } from "../core/ids.ts"
import { isFinished } from "../core/outcome.ts"
import { NotLeasedError, unknownRequest } from "./errors.ts"
import { type AttemptOf, claimedElsewhere, HeldRequests } from "./held.ts"

const LONGEST_LEASE_MS = 3_600_000

/** What becomes of requests that were dequeued, here or by another process. */
export class Attempts {
  readonly #held = new HeldRequests()
  readonly #open: () => QueueServices

  constructor(open: () => QueueServices) {
    this.#open = open
  }

  began(claimed: ClaimedRequest[]): void {
    this.#held.add(claimed, this.#open().clock())
  }

  async complete(requestId: string, response: string | Answer, by: AttemptOf | undefined): Promise<boolean> {
    const claimed = await this.#find(requestId, by)
    const { maxResultBytes } = this.#open().config
    const outcome = readAnswer(response, { requestId, model: claimed.target.model, maxResultBytes })
    return (await this.#settle(claimed, outcome)).reply === "settled"
  }

  async fail(
    requestId: string,
    error: string | Error | FailureReport,
    by: AttemptOf | undefined,
  ): Promise<boolean> {
    const outcome = readFailure(error)
    const { reply, decision } = await this.#settle(await this.#find(requestId, by), outcome)
    if (reply === "settled") return decision.kind !== "failed"
    // Another had the last word, so only the request itself knows.
    const status = await this.#open().queue.status(requestId, null)
    return status !== null && !isFinished(status.state)
  }

  async extend(requestId: string, ms: number): Promise<boolean> {
    checkWhole("ms", ms, LONGEST_LEASE_MS)
    const { queue, clock } = this.#open()
    const { lease } = await this.#find(requestId, undefined)
    const expiresAt = clock() + ms
    const isHeld = await queue.extend(lease, expiresAt)
    if (isHeld) lease.expiresAt = Math.max(lease.expiresAt, expiresAt)
    return isHeld
  }

  /** Held here, or found by its status. Throws `NotLeasedError`, and `not_found` for an attempt of nothing that is known. */
  async #find(requestId: string, by: AttemptOf | undefined): Promise<ClaimedRequest> {
    const held = this.#held.find(requestId, by?.attempt)
    if (held !== null) return held
    if (by === undefined) throw new NotLeasedError(requestId)
    checkWhole("attempt", by.attempt, Number.MAX_SAFE_INTEGER)
    const status = isRequestId(requestId) ? await this.#open().queue.status(requestId, null) : null
    if (status === null) throw unknownRequest()
    return claimedElsewhere(status, by)
  }

  /** Held until the store has answered, so that whoever gets an error instead can settle again. */
  async #settle(claimed: ClaimedRequest, outcome: CallOutcome) {
    const services = this.#open()
    const { queue, clock, config, tracing } = services
    const { lease, startedAt } = claimed
    const decided = decideOutcome({
      ...{ claimed, outcome, startedAt, settings: config },
      ...{ now: clock(), random: Math.random },
    })
    const settlement = { lease, ...decided }
    const [reply = "gone"] = await queue.settle([settlement])
    this.#held.drop(claimed)
    reportCall(tracing, claimed, settlement)
    reportOutcome(services, settlement, reply)
    void tracing?.flushSoon()
    return { reply, decision: decided.decision }
  }
}
