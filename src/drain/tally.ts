import type { DrainCounts, Settlement } from "../queue/contract.ts"

const COUNTED_AS = { completed: "completed", failed: "failed", retry: "retried" } as const

/** What a drain has done and not told the queue yet: it goes along with its claims. */
export class Tally {
  #counts: DrainCounts = { completed: 0, failed: 0, retried: 0, errors: 0, lastError: null }

  /** undefined: nothing. */
  get untold(): DrainCounts | undefined {
    const { lastError, ...counts } = this.#counts
    const isNothing = lastError === null && Object.values(counts).every((count) => count === 0)
    return isNothing ? undefined : { ...this.#counts }
  }

  decided({ decision: { kind }, attempt, result }: Settlement): void {
    if (kind === "completed" || kind === "failed" || kind === "retry") this.#counts[COUNTED_AS[kind]] += 1
    const error = attempt?.error ?? result.error
    if (error !== null) this.#counts.lastError = error.code
  }

  /** An operation failed. */
  error(code: string): void {
    this.#counts.errors += 1
    this.#counts.lastError = code
  }

  /** The queue knows of these now; what came since stays. */
  told({ completed, failed, retried, errors, lastError }: DrainCounts): void {
    const now = this.#counts
    this.#counts = {
      completed: now.completed - completed,
      failed: now.failed - failed,
      retried: now.retried - retried,
      errors: now.errors - errors,
      lastError: now.lastError === lastError ? null : now.lastError,
    }
  }
}
