import type { Priority } from "../../src/core/request.ts"
import { levelOf, scoreOf } from "../../src/queue/score.ts"

/** As in `lua/include/fairness.lua`. */
const MAX_LAG_MS = 2 * 3_600_000
const MAX_LEAD_MS = 25 * 60_000

export interface FairRequest {
  requestId: string
  line: string
  priority: Priority
  organizationId: string
  /** Since when it ages; null: it has not been in its line yet. */
  effectiveAt: number | null
  retries: number
}

interface Level {
  /** Number of the busy period. */
  period: number
  /** V: the effective time of what was claimed last. */
  virtual: number
  pending: number
  tags: Map<string, { period: number; tag: number }>
}

/**
 * Start-time fair queueing as `docs/fairness.md` describes it, in memory: what the scripts do is compared with this. It
 * knows lines, priorities and shares, and nothing of leases or limits.
 */
export class FairLines {
  readonly weights = new Map<string, number>()
  readonly #shareMs: number
  readonly #retryPenaltyMs: number
  readonly #levels = new Map<string, Level>()
  #pending: FairRequest[] = []

  constructor(shareMs: number, retryPenaltyMs: number) {
    this.#shareMs = shareMs
    this.#retryPenaltyMs = retryPenaltyMs
  }

  get pending(): readonly FairRequest[] {
    return this.#pending
  }

  /** Into its line, for the first time or again: only the first sets since when it ages. */
  enter(request: FairRequest, now: number): void {
    request.effectiveAt ??= this.#takeShare(request, now)
    this.#levelOf(request).pending += 1
    this.#pending.push(request)
  }

  /** The next ones, in order. */
  claim(limit: number): FairRequest[] {
    this.#pending.sort((a, b) => this.#score(a) - this.#score(b) || (a.requestId < b.requestId ? -1 : 1))
    const claimed = this.#pending.splice(0, limit)
    for (const request of claimed) {
      const level = this.#levelOf(request)
      level.pending -= 1
      level.virtual = Math.max(level.virtual, request.effectiveAt ?? 0)
    }
    return claimed
  }

  #takeShare(request: FairRequest, now: number): number {
    const level = this.#levelOf(request)
    if (level.pending === 0) {
      level.period += 1
      level.virtual = now
    }
    const known = level.tags.get(request.organizationId)
    const tag = known?.period === level.period ? known.tag : 0
    const start = Math.min(Math.max(level.virtual, now - MAX_LAG_MS, tag), now + MAX_LEAD_MS)
    const weight = this.weights.get(request.organizationId) ?? 1
    level.tags.set(request.organizationId, { period: level.period, tag: start + this.#shareMs / weight })
    // Tags have fractions, effective times are whole; a hair of rounding is no millisecond.
    return Math.floor(start + 0.01)
  }

  #score({ priority, effectiveAt, retries }: FairRequest): number {
    return scoreOf(priority, effectiveAt ?? 0, retries, this.#retryPenaltyMs)
  }

  #levelOf({ line, priority }: FairRequest): Level {
    const name = `${line} ${levelOf(priority)}`
    const level = this.#levels.get(name) ?? { period: 0, virtual: 0, pending: 0, tags: new Map() }
    this.#levels.set(name, level)
    return level
  }
}
