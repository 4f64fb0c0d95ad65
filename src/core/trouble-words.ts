import type { AttemptCounts } from "./pulse.ts"

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** `02:14 UTC`, with its day where that is not today. */
export function tellInstant(at: number, now: number): string {
  const [day = "", time = ""] = new Date(at).toISOString().split("T")
  const clock = `${time.slice(0, 5)} UTC`
  return Math.floor(at / DAY_MS) === Math.floor(now / DAY_MS) ? clock : `${day} ${clock}`
}

/** `40 s`, `12 min`, `2 h 5 min`, `3 days`. */
export function tellDuration(ms: number): string {
  const whole = Math.max(ms, 0)
  if (whole < MINUTE_MS) return `${Math.round(whole / SECOND_MS)} s`
  const minutes = Math.round(whole / MINUTE_MS)
  if (whole >= 2 * DAY_MS) return `${Math.round(whole / DAY_MS)} days`
  if (minutes < 60) return `${minutes} min`
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** `1 request waits`, `1,234 requests wait`. */
export function tellWaiting(count: number): string {
  return count === 1 ? "1 request waits" : `${tellCount(count)} requests wait`
}

export function tellCount(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ",")
}

/** What the attempts at a provider came to. */
export interface Attempts {
  total: number
  failed: number
  /** The error that most of the failed ones ended with; null: none failed. */
  code: string | null
  /** How many ended with it. */
  ofCode: number
}

export function sumUp(counts: AttemptCounts = {}): Attempts {
  // A cancelled attempt tells nothing of its provider.
  const failures = Object.entries(counts).filter(
    ([code, count]) => code !== "completed" && code !== "cancelled" && count > 0,
  )
  const [code, ofCode] = failures.reduce<[string | null, number]>(
    (most, [each, count]) => (count > most[1] ? [each, count] : most),
    [null, 0],
  )
  const failed = failures.reduce((sum, [, count]) => sum + count, 0)
  return { total: failed + Math.max(counts.completed ?? 0, 0), failed, code, ofCode }
}

/** `12 of 15 calls of the last 15 minutes ended with provider_unavailable`; empty when none has failed. */
export function tellAttempts({ total, failed, code, ofCode }: Attempts): string {
  if (code === null) return ""
  const calls = `${tellCount(failed)} of ${tellCount(total)} calls of the last 15 minutes`
  return failed === ofCode
    ? `${calls} ended with ${code}`
    : `${calls} failed, most often (${tellCount(ofCode)}) with ${code}`
}
