import type { History, HistoryPoint } from "../core/pulse.ts"
import type { QueueContext } from "./context.ts"
import type { HistorySpan } from "./figures-contract.ts"
import { unreadable } from "./formats.ts"
import {
  addCounters,
  type Counters,
  MINUTE_FIELDS,
  MINUTE_MS,
  percentilesByName,
  percentilesOf,
  readCounters,
  readUnrolled,
} from "./minutes.ts"
import { parsePending, pendingByLine, readMeta } from "./read-meta.ts"

const HOUR_MS = 3_600_000
const MINUTES_OF_HOUR = 60
/** As long as they are kept where there is something in each: `lua/roll.lua` keeps 1,500. */
export const MINUTES_KEPT_MS = 25 * HOUR_MS
const HISTORY_VERSION = "1"
const FIRST_PAGE = 100
/** One reply of Upstash may have 10 MB, and a page's members may be longer than those of the page before. */
const PAGE_BYTES = 4_000_000

/** A minute or an hour. */
interface Span {
  at: number
  counters: string
  pending: HistoryPoint["pending"]
}

/**
 * By minutes, or, where it goes further back than these and the step is of whole hours, by hours. Begins and ends with a
 * step. Round trips and commands: two, one more per 4 MB and where there are hours; a day has about 2 MB.
 */
export async function readHistory(context: QueueContext, asked: HistorySpan): Promise<History> {
  const { keys } = context
  const { stepMs } = asked
  const from = Math.floor(asked.from / stepMs) * stepMs
  const to = Math.ceil(asked.to / stepMs) * stepMs
  const byHours = stepMs % HOUR_MS === 0 && from < context.clock() - MINUTES_KEPT_MS
  const own = ["rolledAt", ...MINUTE_FIELDS]
  const ofLine = (line: string) => [`pending:${line}`]
  // Before the sets: what a roll takes meanwhile is in these as well, and read there.
  const { meta } = await readMeta(context, "history", { own, ofLine }, [])
  // Hours before that of the last rolled minute are closed.
  const openHour = Math.floor(Number(meta.rolledAt) / MINUTES_OF_HOUR) * HOUR_MS
  const hours = byHours
    ? await readSpans(context, keys.historyHours, HOUR_MS, from, Math.min(to, openHour))
    : []
  const minutesFrom = byHours ? Math.max(from, openHour) : from
  const minutes = await readSpans(context, keys.historyMinutes, MINUTE_MS, minutesFrom, to)
  const known = new Set(minutes.map(({ at }) => at))
  const pending = onlyPending(pendingByLine(context, meta))
  const unrolled = readUnrolled(meta)
    .map(({ minute, counters }) => ({ at: minute * MINUTE_MS, counters, pending }))
    .filter(({ at }) => at >= from && at < to && !known.has(at))
    .sort((a, b) => a.at - b.at)
  return { from, to, stepMs, points: sumUp([...hours, ...minutes, ...unrolled], stepMs) }
}

function sumUp(spans: Span[], stepMs: number): HistoryPoint[] {
  const sums = new Map<number, { counters: Counters; pending: HistoryPoint["pending"] }>()
  for (const { at, counters, pending } of spans) {
    const step = Math.floor(at / stepMs) * stepMs
    const sum = sums.get(step) ?? { counters: new Map(), pending }
    addCounters(sum.counters, counters)
    sum.pending = pending
    sums.set(step, sum)
  }
  return [...sums].map(([at, { counters, pending }]) => {
    const { waits, providerTimes, ...counted } = readCounters(counters)
    return {
      ...{ at, ...counted, pending },
      ...{ waitMs: percentilesOf(waits), providerMs: percentilesByName(providerTimes) },
    }
  })
}

/** Members of a set from an instant on and before another, in order. */
async function readSpans(
  { store }: QueueContext,
  key: string,
  unitMs: number,
  from: number,
  to: number,
): Promise<Span[]> {
  const spans: Span[] = []
  if (from >= to) return spans
  let first = `${from / unitMs}`
  let count = FIRST_PAGE
  for (;;) {
    const [page] = await store.query<[string[]]>("history", [
      ["ZRANGEBYSCORE", key, first, `(${to / unitMs}`, "LIMIT", 0, count],
    ])
    spans.push(...page.map((member) => parseSpan(member, unitMs)))
    const last = spans.at(-1)
    if (last === undefined || page.length < count) return spans
    first = `(${last.at / unitMs}`
    count = Math.max(1, Math.floor(PAGE_BYTES / Math.max(...page.map(({ length }) => length))))
  }
}

/** `1|<minute or hour>|key:count …|<line> critical high normal low;…`, written by `lua/roll.lua`. */
function parseSpan(member: string, unitMs: number): Span {
  const [version, number, counters = "", pending = ""] = member.split("|")
  if (version !== HISTORY_VERSION) throw unreadable(`history ${version}`)
  const lines = [...pending.matchAll(/(\S+) ([\d ]+)(?:;|$)/g)]
  return {
    ...{ at: Number(number) * unitMs, counters },
    pending: Object.fromEntries(lines.map(([, line = "", levels = ""]) => [line, parsePending(levels)])),
  }
}

function onlyPending(pending: HistoryPoint["pending"]): HistoryPoint["pending"] {
  const lines = Object.entries(pending)
  return Object.fromEntries(lines.filter(([, levels]) => Object.values(levels).some((count) => count > 0)))
}
