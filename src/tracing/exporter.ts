import type { Clock } from "../core/clock.ts"
import type { TracingSettings } from "../core/config-tracing.ts"
import { kindOf } from "../core/errors.ts"
import type { Log } from "../core/log.ts"
import { readRetryAfter } from "../core/retry-after.ts"
import { encodeExport, encodeSpan, readRejected, type Span } from "./otlp.ts"

/** About 700 bytes each: some 3 MB, of the 128 that an isolate has. */
const MAX_WAITING = 4096
const MAX_PER_EXPORT = 512
/** Then they are sent although few have gathered. */
const DUE_AFTER_MS = 5000
const DUE_COUNT = 256
/** A collector that takes longer is as good as away. */
const TIMEOUT_MS = 3000
/** After trouble the collector is left alone: doubling from the one to the other, or for as long as it asks. */
const LEAST_HOLD_MS = 5000
const LONGEST_HOLD_MS = 300_000
const TELL_AGAIN_AFTER_MS = 60_000
/** The collector asks for another try; of anything else it would say the same again. */
const RETRYABLE = [429, 502, 503, 504]

export interface ExporterDeps {
  settings: Pick<TracingSettings, "url" | "headers" | "serviceName">
  fetch: typeof fetch
  clock: Clock
  log: Log
  /** Default: 3 s. For tests. */
  timeoutMs?: number
}

/**
 * Spans on their way to the collector. What it does not take in time is kept while there is room, and then dropped and
 * counted: no request ever waits for it or fails of it. Holds plain data only, since invocations may not share promises.
 */
export class SpanExporter {
  readonly #deps: ExporterDeps
  /** Encoded. */
  #waiting: string[] = []
  #dropped = 0
  #failures = 0
  #failedAt = Number.NEGATIVE_INFINITY
  #heldUntil = 0
  #sentAt = 0
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(deps: ExporterDeps) {
    this.#deps = deps
  }

  add(span: Span): void {
    if (this.#waiting.length === 0) this.#sentAt = this.#deps.clock()
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(encodeSpan(span))
    else this.#dropped += 1
  }

  get isDue(): boolean {
    const now = this.#deps.clock()
    const count = this.#waiting.length
    return now >= this.#heldUntil && (count >= DUE_COUNT || (count > 0 && now >= this.#sentAt + DUE_AFTER_MS))
  }

  /** Never rejects; resolves to the exports that it took. */
  async flush(exports: number): Promise<number> {
    let taken = 0
    while (taken < exports && this.#waiting.length > 0 && this.#deps.clock() >= this.#heldUntil) {
      // Taken out before anything is waited for: another invocation may send what is left.
      const batch = this.#waiting.splice(0, MAX_PER_EXPORT)
      this.#sentAt = this.#deps.clock()
      taken += 1
      await this.#send(batch)
    }
    return taken
  }

  async #send(batch: string[]): Promise<void> {
    const { settings, fetch, clock } = this.#deps
    const startedAt = clock()
    let response: Response
    let answer: string
    try {
      response = await fetch(settings.url, {
        method: "POST",
        headers: { "content-type": "application/json", ...settings.headers },
        body: encodeExport(batch, settings.serviceName),
        redirect: "manual",
        signal: AbortSignal.timeout(this.#deps.timeoutMs ?? TIMEOUT_MS),
      })
      answer = await response.text()
    } catch (error) {
      this.#putBack(batch)
      return this.#failed(startedAt, kindOf(error), 0)
    }
    if (response.ok) {
      this.#dropped += readRejected(answer)
      this.#failures = 0
      this.#tellDropped()
    } else {
      const isRetryable = RETRYABLE.includes(response.status)
      if (isRetryable) this.#putBack(batch)
      else this.#dropped += batch.length
      this.#failed(startedAt, String(response.status), readRetryAfter(response.headers, clock()) ?? 0)
    }
  }

  #putBack(batch: string[]): void {
    const kept = batch.slice(0, Math.max(0, MAX_WAITING - this.#waiting.length))
    this.#dropped += batch.length - kept.length
    this.#waiting = [...kept, ...this.#waiting]
  }

  #failed(startedAt: number, reason: string, askedMs: number): void {
    const { clock, log } = this.#deps
    // Several that were under way together meet the same trouble, which counts once.
    const isNew = startedAt > this.#failedAt
    const holdMs = Math.max(askedMs, isNew ? LEAST_HOLD_MS * 2 ** this.#failures : 0)
    this.#heldUntil = Math.max(this.#heldUntil, clock() + Math.min(holdMs, LONGEST_HOLD_MS))
    if (!isNew) return
    this.#failedAt = clock()
    this.#failures += 1
    // Once, not with each try: what is dropped meanwhile is told when the collector is back.
    if (this.#failures === 1) log.warn("spans_not_sent", { reason, waiting: this.#waiting.length })
  }

  #tellDropped(): void {
    const { clock, log } = this.#deps
    if (this.#dropped === 0 || clock() < this.#toldAt + TELL_AGAIN_AFTER_MS) return
    log.warn("spans_dropped", { count: this.#dropped })
    this.#dropped = 0
    this.#toldAt = clock()
  }
}
