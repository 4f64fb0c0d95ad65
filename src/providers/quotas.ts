import type { Quota, Quotas } from "../core/limits.ts"

/** How one vendor tells of its rate limits in the headers of every answer. */
export interface LimitHeaders {
  /** Kinds of token limits, best first; of those that are equally good, the one with the least left counts. */
  tokenKinds: readonly (readonly string[])[]
  nameOf(kind: string, part: "limit" | "remaining" | "reset"): string
  /** From now until the instant that a reset header names, ms; null for what cannot be read. */
  untilReset(text: string | null, now: number): number | null
}

/** Daily limits do say a day; what says more is a mistake. */
const LONGEST_RESET_MS = 86_400_000

/** What the headers tell of the account's limits; null where they tell nothing that can be read. */
export function readQuotas(headers: Headers, limits: LimitHeaders, now: number): Quotas | null {
  const requests = readQuota(headers, limits, "requests", now)
  const tokens = limits.tokenKinds
    .map((kinds) => tightest(kinds.map((kind) => readQuota(headers, limits, kind, now))))
    .find((quota) => quota !== null)
  return requests === null && tokens === undefined ? null : { requests, tokens: tokens ?? null }
}

/** How long until the limit that is used up is whole again, ms; the longest where several are, null where none is. */
export function readReset(headers: Headers, limits: LimitHeaders, now: number): number | null {
  const waits = ["requests", ...limits.tokenKinds.flat()]
    .filter((kind) => headers.get(limits.nameOf(kind, "remaining")) === "0")
    .map((kind) => limits.untilReset(headers.get(limits.nameOf(kind, "reset")), now))
    .filter((wait) => wait !== null)
  return waits.length === 0 ? null : Math.max(...waits)
}

function readQuota(headers: Headers, limits: LimitHeaders, kind: string, now: number): Quota | null {
  const limit = readCount(headers.get(limits.nameOf(kind, "limit")))
  const remaining = readCount(headers.get(limits.nameOf(kind, "remaining")))
  const resetMs = limits.untilReset(headers.get(limits.nameOf(kind, "reset")), now)
  // Gateways without a limit say 0 or -1.
  if (!limit || remaining === null || resetMs === null) return null
  return { limit, remaining: Math.min(remaining, limit), fullAt: now + Math.min(resetMs, LONGEST_RESET_MS) }
}

function tightest(quotas: (Quota | null)[]): Quota | null {
  const share = (quota: Quota): number => quota.remaining / quota.limit
  return quotas.reduce((least, quota) => {
    return least === null || (quota !== null && share(quota) < share(least)) ? quota : least
  }, null)
}

/** A whole number that stays exact; null for anything else. */
function readCount(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null
}
