import type { Settlement } from "../compose.ts"
import type { Clock } from "../core/clock.ts"
import { LastMinute } from "./last-minute.ts"

/** Of the calls since the start, the latest 500 at most; ms, null without one. */
export interface ProviderLatency {
  calls: number
  p50: number | null
  p95: number | null
}

export interface WorkerStats {
  state: "stopped" | "running" | "paused" | "stopping"
  /** Requests that ended here: completed or failed. */
  processed: number
  completed: number
  failed: number
  /** Attempts after which their request was scheduled again. */
  retried: number
  inFlight: number
  /** Requests that ended here within the last 60 s. */
  ratePerMinute: number
  /** The code of the last failed attempt or operation. */
  lastError: { code: string; at: number } | null
  /** Since `start`; 0 while stopped. */
  uptimeMs: number
  providers: Record<string, ProviderLatency>
}

const KEPT_LATENCIES = 500

/** What one worker has done since it was made. */
export class Statistics {
  readonly #clock: Clock
  readonly #latencies = new Map<string, { calls: number; latest: number[] }>()
  #counts = { completed: 0, failed: 0, retried: 0 }
  #lastError: WorkerStats["lastError"] = null
  readonly #ended = new LastMinute()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A settlement that the queue took as decided. */
  settled({ decision: { kind } }: Settlement): void {
    if (kind === "retry") this.#counts.retried += 1
    if (kind !== "completed" && kind !== "failed") return
    this.#counts[kind] += 1
    this.#ended.add(this.#clock())
  }

  called({ attempt }: Settlement): void {
    if (attempt === null) return
    if (attempt.error !== null) this.failed(attempt.error.code)
    const known = this.#latencies.get(attempt.provider) ?? { calls: 0, latest: [] }
    known.latest[known.calls % KEPT_LATENCIES] = attempt.finishedAt - attempt.startedAt
    known.calls += 1
    this.#latencies.set(attempt.provider, known)
  }

  failed(code: string): void {
    this.#lastError = { code, at: this.#clock() }
  }

  read(): Omit<WorkerStats, "state" | "inFlight" | "uptimeMs"> {
    const { completed, failed, retried } = this.#counts
    return {
      ...{ processed: completed + failed, completed, failed, retried },
      ratePerMinute: this.#ended.count(this.#clock()),
      lastError: this.#lastError,
      providers: Object.fromEntries(
        [...this.#latencies].map(([name, { calls, latest }]) => {
          const sorted = latest.toSorted((a, b) => a - b)
          return [name, { calls, p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95) }]
        }),
      ),
    }
  }
}

function percentile(sorted: number[], share: number): number | null {
  return sorted[Math.ceil(sorted.length * share) - 1] ?? null
}
