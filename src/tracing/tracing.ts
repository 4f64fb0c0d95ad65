import type { Config } from "../core/config.ts"
import { sleep } from "../core/sleep.ts"
import { isSampled, ownTrace, spanId, underSpan } from "../core/trace.ts"
import type { Tracing } from "../core/tracing.ts"
import { type ExporterDeps, SpanExporter } from "./exporter.ts"
import { callSpans, endSpan, storedSpan } from "./request-spans.ts"

/** What comes in this time is sent together: a call of the API makes one span. */
const GATHER_MS = 250
/** A bulk of 1,000, and as much again. */
const EXPORTS_AFTER_A_CALL = 4

export interface TracingDeps extends Omit<ExporterDeps, "settings"> {
  config: Pick<Config, "tracing" | "providers">
}

/** null: nobody wants to know. Makes no call. */
export function createTracing({ config, ...deps }: TracingDeps): Tracing | null {
  const { url, ratio } = config.tracing
  if (url === "") return null
  const exporter = new SpanExporter({ ...deps, settings: config.tracing })
  const hosts = new Map(
    Object.entries(config.providers).map(([name, { baseUrl }]) => [name, hostOf(baseUrl)] as const),
  )
  let gatheringUntil = 0
  return {
    begin(requestId, caller) {
      if (caller !== "") return isSampled(caller) ? underSpan(caller, spanId(requestId, "stored")) : caller
      const trace = ownTrace(requestId)
      // By the trace's id, as everybody does it, so that all decide alike.
      return Number.parseInt(trace.slice(0, 8), 16) < ratio * 2 ** 32 ? trace : ""
    },
    stored(event) {
      if (isSampled(event.trace)) exporter.add(storedSpan(event))
    },
    called(event) {
      if (!isSampled(event.trace)) return
      for (const span of callSpans(event, hosts.get(event.attempt.provider))) exporter.add(span)
    },
    ended(event) {
      if (isSampled(event.trace)) exporter.add(endSpan(event))
    },
    get isDue() {
      return exporter.isDue
    },
    flush: (exports) => exporter.flush(exports),
    async flushSoon() {
      // An instant, not a flag: who gathers may not live to send.
      if (deps.clock() < gatheringUntil) return
      gatheringUntil = deps.clock() + GATHER_MS
      await sleep(GATHER_MS, undefined)
      await exporter.flush(EXPORTS_AFTER_A_CALL)
    },
  }
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined
}
