/**
 * A trace as it goes along with a request, `<trace id>-<span id>-<flags>` in lower-case hex: what follows hangs under that
 * span. Empty: none. With `00-` before it, it is a `traceparent` of W3C's Trace Context.
 */
export type Trace = string

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const TRACE_ID_LENGTH = 32
/** Sampled, and random: the bits that are known. All others are to be sent as 0. */
const KNOWN_FLAGS = 0b11
const SAMPLED = 0b01

/** What does not follow the standard is ignored, as it demands: empty. A later version is read as far as this one goes. */
export function readTraceparent(header: string | null | undefined): Trace {
  const [, version = "ff", traceId = "", parentId = "", flags = "", more] =
    TRACEPARENT.exec(header ?? "") ?? []
  if (version === "ff" || (version === "00" && more !== undefined)) return ""
  if (/^0*$/.test(traceId) || /^0*$/.test(parentId)) return ""
  return `${traceId}-${parentId}-${hex(Number.parseInt(flags, 16) & KNOWN_FLAGS, 2)}`
}

export function writeTraceparent(trace: Trace): string {
  return `00-${trace}`
}

/** undefined: there is none, so a log line has no such field. */
export function traceIdOf(trace: Trace): string | undefined {
  return trace === "" ? undefined : trace.slice(0, TRACE_ID_LENGTH)
}

export function parentIdOf(trace: Trace): string {
  return trace.slice(TRACE_ID_LENGTH + 1, -3)
}

/** Somebody wants its spans. Of an empty one nobody does. */
export function isSampled(trace: Trace): boolean {
  return (Number.parseInt(trace.slice(-2), 16) & SAMPLED) === SAMPLED
}

/** The same trace under another of its spans. */
export function underSpan(trace: Trace, id: string): Trace {
  return `${trace.slice(0, TRACE_ID_LENGTH)}-${id}-${trace.slice(-2)}`
}

/** A trace of its own for a request: the same one each time, since storing it may be repeated. */
export function ownTrace(requestId: string): Trace {
  return `${idFrom(`${requestId} 0`)}${idFrom(`${requestId} 1`)}-${spanId(requestId, "stored")}-01`
}

/**
 * The spans of a request have the same ids whoever makes them, and however often. `of`: what each is of, those of attempts
 * with their number.
 */
export function spanId(requestId: string, of: "stored" | `${"wait" | "call" | "end"} ${number}`): string {
  return idFrom(`${requestId} ${of}`)
}

/** 64 bits in hex, never all zeros. Spreads well; no secret. */
function idFrom(text: string): string {
  let [a, b] = [0xdeadbeef, 0x41c6ce57]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    a = Math.imul(a ^ code, 2654435761)
    b = Math.imul(b ^ code, 1597334677)
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  return hex(a >>> 0 || 1, 8) + hex(b >>> 0, 8)
}

function hex(value: number, length: number): string {
  return value.toString(16).padStart(length, "0")
}
