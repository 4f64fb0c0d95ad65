import type { LaneState, Throughput } from "../core/pulse.ts"
import { FINISHED_STATES, PRIORITIES, type Priority } from "../core/request.ts"
import { COMMAND_FIELDS, readCommandUse } from "./command-use.ts"
import { lineKeys, type QueueContext, runWithLines } from "./context.ts"
import type { QueueStats } from "./figures-contract.ts"
import { parseKept } from "./kept.ts"
import { dayOf } from "./keys.ts"
import { addBuckets, MINUTE_FIELDS, percentilesOf, readRecent } from "./minutes.ts"
import { readProviderState } from "./provider-state.ts"
import { decodeRecord } from "./record.ts"
import { providerOfLine } from "./targets.ts"

/** As in `lua/include/figures.lua`. */
const SLOT_MS = 10_000
const SLOTS = 8

/** The fields of `meta` that throughput stands in. */
export const THROUGHPUT_FIELDS = Array.from({ length: SLOTS }, (_, i) => `throughput:${i}`)
/** The current slot of 10 s and the six before it: 60 to 70 s. */
const THROUGHPUT_SLOTS = 6

type Reply = [string[], number, string[], number[], number[], (string | null)[]]

/** One round trip; 6 commands and 1 to 6 per line. */
export async function readStats(context: QueueContext): Promise<QueueStats> {
  const { keys } = context
  const now = context.clock()
  const fields = () => [
    ...THROUGHPUT_FIELDS,
    ...MINUTE_FIELDS,
    ...FINISHED_STATES.map((state) => `kept:${state}`),
    ...["lanes", "paused:*", ...COMMAND_FIELDS],
    ...providersIn(context).flatMap((name) => [`paused:${name}`, `blocked:${name}`, `breaker:${name}`]),
  ]
  const [reply] = await runWithLines<[Reply]>(context, "stats", () => [
    {
      name: "stats",
      keys: [keys.meta, keys.live, keys.scheduled, ...lineKeys(context), ...keys.finishedOn(dayOf(now))],
      args: [now, context.lines.join(" "), ...fields()],
    },
  ])
  const [values, scheduled, pendingByLine, inFlight, keptToday, firsts] = reply
  const meta = Object.fromEntries(fields().map((field, i) => [field, values[i] ?? ""]))
  const levels = pendingByLine.map((text) => text.split(" ").map(Number))
  const { waits, providerTimes } = readRecent(meta, now)
  return {
    counts: {
      scheduled,
      pending: sum(levels.flat()),
      processing: sum(inFlight),
      ...readKeptCounts(meta, keptToday, dayOf(now)),
    },
    pendingByPriority: Object.fromEntries(
      PRIORITIES.map((priority, i) => [priority, sum(levels.map((counts) => counts[i] ?? 0))]),
    ) as Record<Priority, number>,
    pendingByProvider: pendingByProvider(context.lines, levels.map(sum)),
    oldestPendingAgeMs: oldestAge(firsts, now),
    throughput: readThroughput(meta, now),
    waitMs: percentilesOf(waits),
    providerMs: percentilesOf(addBuckets(Object.values(providerTimes))),
    providers: Object.fromEntries(
      providersIn(context).map((name) => {
        const calls = inFlight[context.lines.indexOf(name)] ?? 0
        const { cause: _, ...state } = readProviderState(meta, name, calls, now)
        return [name, state]
      }),
    ),
    lanes: readLanes(meta.lanes ?? ""),
    commands: readCommandUse(meta, context.settings.commandBudget, now),
  }
}

/** Those with a line or leases; lines of routes, and of requests with fallbacks, are no providers. */
function providersIn({ lines }: QueueContext): string[] {
  return lines.filter((line) => providerOfLine(line) === line)
}

function pendingByProvider(lines: string[], pending: number[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [i, line] of lines.entries()) {
    const provider = providerOfLine(line)
    counts[provider] = (counts[provider] ?? 0) + (pending[i] ?? 0)
  }
  return counts
}

/** Written by `lua/include/drains.lua`. */
export function readLanes(text: string): LaneState[] {
  const lanes = text.matchAll(/(\S+) (\d+) (\d+) (\d+) (\d+) (\d+) (\S+)/g)
  return [...lanes]
    .map(([, name = "", lastClaimAt, completed, failed, retried, errors, lastError = "-"]) => ({
      ...{ name, lastClaimAt: Number(lastClaimAt), completed: Number(completed), failed: Number(failed) },
      ...{
        retried: Number(retried),
        errors: Number(errors),
        lastError: lastError === "-" ? null : lastError,
      },
    }))
    .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }))
}

function readKeptCounts(meta: Record<string, string>, keptToday: number[], today: number) {
  const count = (state: (typeof FINISHED_STATES)[number], i: number) =>
    sum(parseKept(meta[`kept:${state}`] ?? "").map(({ day, count }) => (day > today ? count : 0))) +
    (keptToday[i] ?? 0)
  return { completed: count("completed", 0), failed: count("failed", 1), cancelled: count("cancelled", 2) }
}

function oldestAge(firsts: (string | null)[], now: number): number | null {
  const ages = firsts.flatMap((packed) =>
    packed === null ? [] : Math.max(now - decodeRecord(packed).dueAt, 0),
  )
  return ages.length === 0 ? null : Math.max(...ages)
}

export function readThroughput(meta: Record<string, string>, now: number): Throughput {
  const current = Math.floor(now / SLOT_MS)
  const totals = [0, 0, 0, 0]
  for (let i = 0; i < SLOTS; i++) {
    const [slot = 0, ...counts] = (meta[`throughput:${i}`] ?? "").split(" ").map(Number)
    if (slot > current || slot < current - THROUGHPUT_SLOTS) continue
    for (const [j, count] of counts.entries()) totals[j] = (totals[j] ?? 0) + count
  }
  const [enqueued = 0, completed = 0, failed = 0, retried = 0] = totals
  return {
    enqueuedLastMinute: enqueued,
    completedLastMinute: completed,
    failedLastMinute: failed,
    retriedLastMinute: retried,
  }
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
