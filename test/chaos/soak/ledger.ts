import type { RequestStatus } from "../../../src/core/outcome.ts"
import { FINISHED_STATES, type FinishedState } from "../../../src/core/request.ts"

/** Well within the minute for which an outcome is kept here. */
const LOOK_AFTER_MS = 3_000

/** Every request that was accepted, until its outcome is known. */
export class Ledger {
  readonly counts = { accepted: 0, replayed: 0, completed: 0, failed: 0, cancelled: 0, lost: 0, attempts: 0 }
  /** Requests to replay, the newest last. */
  readonly failed: string[] = []
  readonly #open = new Map<string, number>()

  get openCount(): number {
    return this.#open.size
  }

  get open(): string[] {
    return [...this.#open.keys()]
  }

  /** The newest that is not known to have ended. */
  get newest(): string | undefined {
    return [...this.#open.keys()].at(-1)
  }

  accept(requestId: string, count: "accepted" | "replayed" = "accepted"): void {
    this.counts[count] += 1
    this.#open.set(requestId, Date.now() + LOOK_AFTER_MS)
  }

  /** Those to be looked at now. */
  due(): string[] {
    const now = Date.now()
    return [...this.#open].filter(([, lookAt]) => lookAt <= now).map(([requestId]) => requestId)
  }

  /** What a look has shown; null: nobody knows the request. */
  note(requestId: string, status: Pick<RequestStatus, "state" | "attempts"> | null): void {
    if (status !== null && !isFinished(status.state)) {
      this.#open.set(requestId, Date.now() + LOOK_AFTER_MS)
      return
    }
    if (!this.#open.delete(requestId)) return
    if (status === null || !isFinished(status.state)) {
      this.counts.lost += 1
      return
    }
    this.counts[status.state] += 1
    this.counts.attempts += status.attempts.length
    if (status.state === "failed") this.failed.push(requestId)
    if (this.failed.length > 10) this.failed.shift()
  }
}

function isFinished(state: RequestStatus["state"]): state is FinishedState {
  return FINISHED_STATES.some((finished) => finished === state)
}
