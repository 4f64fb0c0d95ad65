import type { HistoryOptions } from "./types.ts"

/** With its question mark; empty when nothing is asked for. */
export function historyQuery({ from, to, stepSeconds }: HistoryOptions): string {
  const given = Object.entries({ from, to, step: stepSeconds }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  )
  return given.length === 0 ? "" : `?${given.join("&")}`
}
