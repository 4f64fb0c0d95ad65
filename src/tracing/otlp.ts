import { VERSION } from "../core/version.ts"

/** An attribute that is undefined or null is left out. */
export type Attributes = Record<string, string | number | readonly string[] | null | undefined>

/** Ids in lower-case hex, times in epoch ms. */
export interface Span {
  traceId: string
  spanId: string
  /** null: the first of its trace. */
  parentSpanId: string | null
  name: string
  kind: keyof typeof KINDS
  startedAt: number
  endedAt: number
  attributes: Attributes
  isError: boolean
}

/** As in `trace.proto`. */
const KINDS = { internal: 1, client: 3, producer: 4 } as const
const STATUS_ERROR = 2
const SCOPE = "ai-request-queue"

/** One span in OTLP's JSON mapping: ids in hex, not in base64; 64-bit integers as strings; enums as numbers. */
export function encodeSpan(span: Span): string {
  const { traceId, spanId, parentSpanId, name, kind, startedAt, attributes, isError } = span
  return JSON.stringify({
    ...{ traceId, spanId, ...(parentSpanId !== null && { parentSpanId }), name, kind: KINDS[kind] },
    startTimeUnixNano: nanoseconds(startedAt),
    // Clocks of two machines may disagree; a span that ends before it starts is refused.
    endTimeUnixNano: nanoseconds(Math.max(startedAt, span.endedAt)),
    attributes: encodeAttributes(attributes),
    status: isError ? { code: STATUS_ERROR } : {},
  })
}

/** The body of an export of spans that are encoded already. */
export function encodeExport(spans: string[], serviceName: string): string {
  const resource = encodeAttributes({ "service.name": serviceName, "service.version": VERSION })
  const scope = JSON.stringify({ name: SCOPE, version: VERSION })
  const scopeSpans = `[{"scope":${scope},"spans":[${spans.join(",")}]}]`
  return `{"resourceSpans":[{"resource":{"attributes":${JSON.stringify(resource)}},"scopeSpans":${scopeSpans}}]}`
}

/** Spans that the collector did not take, as its answer tells; 0 when it tells nothing. */
export function readRejected(answer: string): number {
  try {
    const { partialSuccess } = JSON.parse(answer) as { partialSuccess?: { rejectedSpans?: unknown } }
    // A 64-bit integer, so a string by the mapping; not all keep to it.
    const rejected = Number(partialSuccess?.rejectedSpans ?? 0)
    return rejected > 0 ? rejected : 0
  } catch {
    return 0
  }
}

function nanoseconds(ms: number): string {
  return `${Math.round(ms)}000000`
}

function encodeAttributes(attributes: Attributes): { key: string; value: object }[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined || value === null ? [] : [{ key, value: encodeValue(value) }],
  )
}

function encodeValue(value: string | number | readonly string[]): object {
  if (typeof value === "string") return { stringValue: value }
  if (typeof value !== "number") return { arrayValue: { values: value.map(encodeValue) } }
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}
