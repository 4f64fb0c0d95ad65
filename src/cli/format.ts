/** `2026-11-24T10:00:00Z`. */
export function formatInstant(at: number | null | undefined): string | null {
  return at === null || at === undefined ? null : new Date(at).toISOString().replace(/\.\d+Z$/, "Z")
}

const LARGER_UNITS: [ms: number, name: string][] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
]

/** `340 ms`, `1.5 s`, `12 min`. */
export function formatDuration(ms: number | null): string | null {
  if (ms === null) return null
  const [unitMs, name] = LARGER_UNITS.find(([least]) => ms >= least) ?? [1, "ms"]
  const amount = ms / unitMs
  return `${amount < 10 && unitMs > 1 ? amount.toFixed(1) : Math.round(amount)} ${name}`
}
