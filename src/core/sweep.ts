import type { ErrorCode } from "./outcome.ts"

// Operations on all requests that a filter holds for, page by page.

export const SWEEPS = ["cancel", "replay", "discard"] as const
export type SweepVerb = (typeof SWEEPS)[number]

/** Of the matching requests, those with this provider, as asked, and this error; null: they have not failed. */
export interface SweepGroup {
  provider: string
  errorCode: ErrorCode | null
  count: number
}

/** What one page of a sweep came to. */
export interface SweepPage {
  /** The filter held for so many of those that were looked at. */
  matched: number
  /** Of these: cancelled, replayed or discarded. In a dry run 0. */
  done: number
  /** Of these: no longer in that state when it came to them. */
  skipped: number
  groups: SweepGroup[]
  /** How many were looked at; with an organization in the filter, of its own. */
  examined: number
  /** Where to go on; null: all have been looked at. */
  nextCursor: string | null
}
