import type { Random } from "../core/clock.ts"
import type { Settlement } from "../queue/contract.ts"
import { backOff } from "./back-off.ts"
import { SETTLE_GROUP } from "./budget.ts"
import { sizeOf } from "./size.ts"

const GROUP_BYTES = 8_000_000

interface Entry {
  settlement: Settlement
  bytes: number
  addedAt: number
}

/** Answers on their way to the store. What could not be settled is kept: it may have been paid for. */
export class Outbox {
  #entries: Entry[] = []
  #bytes = 0
  #failures = 0
  #retryAt = 0
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  get size(): number {
    return this.#entries.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The last settle failed: settle alone, so that a claim does not fail with it. */
  get isTroubled(): boolean {
    return this.#failures > 0
  }

  add(settlement: Settlement, now: number): void {
    const bytes = sizeOf(settlement.result.response)
    this.#entries.push({ settlement, bytes, addedAt: now })
    this.#bytes += bytes
  }

  /** When a group should go, epoch ms: when it is full, or its first has waited so long for others. */
  dueAt(gatherMs: number): number {
    const [first] = this.#entries
    if (first === undefined) return Number.POSITIVE_INFINITY
    const isFull = this.#entries.length >= SETTLE_GROUP || this.#bytes >= GROUP_BYTES
    return Math.max(this.#retryAt, isFull ? 0 : first.addedAt + gatherMs)
  }

  /** The next group; smaller after each failure, so that one that cannot be settled holds back no other for long. */
  take(now: number): Settlement[] {
    if (now < this.#retryAt) return []
    const most = Math.max(1, Math.floor(SETTLE_GROUP / 2 ** this.#failures))
    const group: Settlement[] = []
    let bytes = 0
    for (const entry of this.#entries.slice(0, most)) {
      bytes += entry.bytes
      if (group.length > 0 && bytes > GROUP_BYTES) break
      group.push(entry.settlement)
    }
    for (const { bytes } of this.#entries.splice(0, group.length)) this.#bytes -= bytes
    return group
  }

  settled(): void {
    this.#failures = 0
    this.#retryAt = 0
  }

  /** The group goes to the end of the line. */
  failed(group: Settlement[], now: number): void {
    this.#failures += 1
    this.#retryAt = now + backOff(this.#failures, this.#random)
    for (const settlement of group) this.add(settlement, now)
  }

  /** Gives up on all that is left. */
  drop(): Settlement[] {
    const left = this.#entries.map(({ settlement }) => settlement)
    this.#entries = []
    this.#bytes = 0
    return left
  }
}
