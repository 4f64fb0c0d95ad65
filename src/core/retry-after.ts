const SECOND_MS = 1000
const DURATION_UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * How long the server asks us to wait, ms: `retry-after-ms`, then `retry-after` in seconds or as a
 * date. null when it asks for nothing, or for nothing that can be read. A date in the past means 0.
 */
export function readRetryAfter(headers: Headers, now: number): number | null {
  const ms = positiveNumber(headers.get("retry-after-ms"))
  if (ms !== null) return Math.ceil(ms)
  const value = headers.get("retry-after")
  const seconds = positiveNumber(value)
  if (seconds !== null) return Math.ceil(seconds * SECOND_MS)
  return untilInstant(value, now)
}

/** `x-should-retry`: the server's own word on whether another try makes sense; null when it is silent. */
export function readShouldRetry(headers: Headers): boolean | null {
  const value = headers.get("x-should-retry")
  return value === "true" ? true : value === "false" ? false : null
}

/** A duration such as `12ms`, `1.5s` or `6m0s`, in ms; null for anything else. */
export function parseDuration(text: string | null): number | null {
  if (text === null || !/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return null
  let ms = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    ms += Number(amount) * (DURATION_UNITS[unit ?? ""] ?? 0)
  }
  return Math.ceil(ms)
}

/** From now until an HTTP or RFC 3339 date, ms, at least 0; null when it is neither. */
export function untilInstant(text: string | null, now: number): number | null {
  // A bare number is no date, though Date.parse would take "-1" for a year.
  if (text === null || !/[A-Za-z]/.test(text)) return null
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : Math.max(0, at - now)
}

function positiveNumber(text: string | null): number | null {
  return text !== null && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : null
}
