const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 })
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 })
const fine = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 })
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 })
const dollars = new Intl.NumberFormat("en", { style: "currency", currency: "USD" })
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "narrow" })
const instant = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" })

/** What stands where there is no figure. */
export const NONE = "–"

/** 12,345; from 100,000 on 123.4K. */
export function formatCount(count: number | null | undefined): string {
  if (count === null || count === undefined) return NONE
  return count < 100_000 ? whole.format(count) : compact.format(count)
}

/** Of a minute: 0.25, 12.3, 1,234. */
export function formatRate(rate: number): string {
  return rate < 100 ? fine.format(rate) : formatCount(rate)
}

/** A part of one. */
export const formatShare = (share: number): string => percent.format(share)

export const formatDollars = (amount: number): string => dollars.format(amount)

const UNITS: [number, string][] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
]

/** 8 ms, 1.24 s, 12.3 s, 4 min 10 s, 3 h 5 min, 2 d 4 h. */
export function formatDuration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return NONE
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${Number((ms / 1_000).toPrecision(3))} s`
  for (const [i, [size, unit]] of UNITS.entries()) {
    if (ms < size) continue
    const [smaller, smallerUnit] = UNITS[i + 1] ?? [1_000, "s"]
    const rest = Math.floor((ms % size) / smaller)
    return `${Math.floor(ms / size)} ${unit}${rest === 0 ? "" : ` ${rest} ${smallerUnit}`}`
  }
  return "1 min"
}

/** Of an axis: one figure and its unit. */
export function formatTick(ms: number): string {
  const [size, unit] = UNITS.find(([each]) => ms >= each) ?? (ms >= 1_000 ? [1_000, "s"] : [1, "ms"])
  return `${fine.format(ms / size)} ${unit}`
}

const STEPS: [number, Intl.RelativeTimeFormatUnit][] = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1_000, "second"],
]

/** "3 min ago", "in 2 h". */
export function formatRelative(at: number, now: number): string {
  const distance = at - now
  for (const [size, unit] of STEPS) {
    if (Math.abs(distance) >= size) return relative.format(Math.trunc(distance / size), unit)
  }
  return "now"
}

/** With its zone, to the second. */
export const formatInstant = (at: number): string => instant.format(at)
