import type { RequestFilter } from "../core/request-filter.ts"
import type { SweepGroup, SweepPage, SweepVerb } from "../core/sweep.ts"
import type { Transport } from "./transport.ts"

export interface SweepPageOptions {
  /** Counts, and does nothing. Over all pages that is what it would touch, but for what changes meanwhile. */
  dryRun?: boolean
  /** An empty filter is meant. So is, for `cancel` with a key for all organizations, one without state and organization. */
  all?: boolean
  /** A call acts on no more: 1 to 200, default 100. */
  limit?: number
  /** `nextCursor` of the page before. */
  cursor?: string
  signal?: AbortSignal
}

/** What a sweep has come to so far. */
export type SweepTotals = Omit<SweepPage, "nextCursor">

export const NO_TOTALS: SweepTotals = { matched: 0, done: 0, skipped: 0, groups: [], examined: 0 }

export interface SweepOptions extends Omit<SweepPageOptions, "cursor"> {
  /** After each page. */
  onProgress?: (totals: SweepTotals) => void
}

/**
 * One page. Repeated after a lost answer it counts only what was left, and goes on from there. The first page of a replay is
 * not repeated: what failed again in between would be tried twice.
 */
export async function sweepPage(
  transport: Transport,
  verb: SweepVerb,
  filter: RequestFilter,
  { signal, ...options }: SweepPageOptions,
): Promise<SweepPage> {
  const isFirst = options.cursor === undefined
  const repeat = verb === "replay" && isFirst && options.dryRun !== true ? "refused" : "always"
  const body = JSON.stringify({ filter, ...options })
  const call = { method: "POST", path: `/v1/requests/${verb}`, body, repeat, signal } as const
  return (await transport(call)).value as SweepPage
}

/** All pages, one after the other. */
export async function sweep(
  transport: Transport,
  verb: SweepVerb,
  filter: RequestFilter,
  { onProgress, ...options }: SweepOptions,
): Promise<SweepTotals> {
  let totals = NO_TOTALS
  for (let cursor: string | null = ""; cursor !== null; ) {
    const at: { cursor?: string } = cursor === "" ? {} : { cursor }
    const { nextCursor, ...page }: SweepPage = await sweepPage(transport, verb, filter, { ...options, ...at })
    totals = addTotals(totals, page)
    onProgress?.(totals)
    cursor = nextCursor
  }
  return totals
}

/** Of what was done so far and of one page more. */
export function addTotals(totals: SweepTotals, page: SweepTotals): SweepTotals {
  return {
    matched: totals.matched + page.matched,
    done: totals.done + page.done,
    skipped: totals.skipped + page.skipped,
    groups: page.groups.reduce(addGroup, totals.groups),
    examined: totals.examined + page.examined,
  }
}

/** The largest first. */
function addGroup(groups: SweepGroup[], { provider, errorCode, count }: SweepGroup): SweepGroup[] {
  const isSame = (group: SweepGroup) => group.provider === provider && group.errorCode === errorCode
  const before = groups.find(isSame)?.count ?? 0
  const others = groups.filter((group) => !isSame(group))
  return [...others, { provider, errorCode, count: before + count }].sort((a, b) => b.count - a.count)
}
