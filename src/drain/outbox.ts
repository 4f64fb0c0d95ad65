import type { Random } from "../core/clock.ts"
import type { Settlement, TargetReport } from "../queue/contract.ts"
import { backOff } from "./back-off.ts"
import { SETTLE_BYTES } from "./budget.ts"
import { sizeOf } from "./size.ts"

interface Entry {
  settlement: Settlement
  bytes: number
  addedAt: number
  failures: number
  retryAt: number
}

/** Settlements that travel together. `isFresh`: none of them has failed before. */
export interface Group {
  settlements: Settlement[]
  isFresh: boolean
  /** Puts them back, to be tried again. */
  failed(now: number): void
}

/**
 * Answers on their way to the store. What could not be settled is kept, for it may have been paid
 * for, and tried again in ever smaller groups: one that cannot be settled holds back no other for long.
 */
export class Outbox {
  #entries: Entry[] = []
  readonly #random: Random
  readonly #groupSize: number

  constructor(random: Random, groupSize: number) {
    this.#random = random
    this.#groupSize = groupSize
  }

  get size(): number {
    return this.#entries.length
  }

  /** Some wait for others to go with. */
  get isGathering(): boolean {
    return this.#entries.some(({ failures }) => failures === 0)
  }

  /** Round trips that settling all of it takes. */
  get trips(): number {
    let [count, bytes] = [0, 0]
    for (const entry of this.#entries) {
      count += 1 / this.#sizeAfter(entry.failures)
      bytes += entry.bytes
    }
    return Math.ceil(Math.max(count, bytes / SETTLE_BYTES))
  }

  add(settlement: Settlement, now: number): void {
    const bytes = sizeOf(settlement.result.response)
    this.#entries.push({ settlement, bytes, addedAt: now, failures: 0, retryAt: 0 })
  }

  /**
   * When a group should go, epoch ms: when it is full, or its first has waited so long for others. `mayHurry`: at once
   * when it tells of a provider's trouble, which others should know.
   */
  dueAt(gatherMs: number, mayHurry: boolean): number {
    const fresh = this.#entries.filter(({ failures }) => failures === 0)
    const bytes = fresh.reduce((sum, entry) => sum + entry.bytes, 0)
    const isFull = fresh.length >= this.#groupSize || bytes >= SETTLE_BYTES
    const isUrgent = mayHurry && fresh.some(({ settlement }) => tellsOfTrouble(settlement.report))
    const gatheredAt = isFull || isUrgent ? 0 : (fresh[0]?.addedAt ?? Number.POSITIVE_INFINITY) + gatherMs
    return this.#entries.reduce(
      (soonest, { failures, retryAt }) => (failures > 0 ? Math.min(soonest, retryAt) : soonest),
      gatheredAt,
    )
  }

  /** The next group, those that have failed least before. null: there is nothing that may go now. */
  take(now: number, onlyFresh: boolean): Group | null {
    const ready = this.#entries.filter((entry) => (onlyFresh ? entry.failures === 0 : entry.retryAt <= now))
    const failures = Math.min(...ready.map((entry) => entry.failures))
    const alike = ready.filter((entry) => entry.failures === failures).slice(0, this.#sizeAfter(failures))
    const entries: Entry[] = []
    let bytes = 0
    for (const entry of alike) {
      bytes += entry.bytes
      if (entries.length > 0 && bytes > SETTLE_BYTES) break
      entries.push(entry)
    }
    if (entries.length === 0) return null
    this.#entries = this.#entries.filter((entry) => !entries.includes(entry))
    return {
      settlements: entries.map(({ settlement }) => settlement),
      isFresh: failures === 0,
      failed: (failedAt) => {
        const retryAt = failedAt + backOff(failures + 1, this.#random)
        for (const entry of entries) this.#entries.push({ ...entry, failures: failures + 1, retryAt })
      },
    }
  }

  #sizeAfter(failures: number): number {
    return Math.max(1, Math.floor(this.#groupSize / 4 ** failures))
  }

  /** Gives up on all that is left. */
  drop(): Settlement[] {
    return this.#entries.splice(0).map(({ settlement }) => settlement)
  }
}

function tellsOfTrouble(report: TargetReport | null): boolean {
  return report !== null && (["trouble", "account"].includes(report.health) || report.blockedUntil !== null)
}
