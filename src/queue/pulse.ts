import type { Pulse, PulseProvider } from "../core/pulse.ts"
import { type Figures, findTroubles } from "../core/troubles.ts"
import { COMMAND_FIELDS, readCommandUse } from "./command-use.ts"
import type { QueueContext } from "./context.ts"
import { isStalled } from "./health.ts"
import { limitsInForce } from "./levers.ts"
import { MINUTE_FIELDS, percentilesByName, percentilesOf, readRecent } from "./minutes.ts"
import { readProviderState, readTroubledSince } from "./provider-state.ts"
import { countPending, type Meta, pendingByLine, readMeta } from "./read-meta.ts"
import { readLanes, readThroughput, THROUGHPUT_FIELDS } from "./stats.ts"

/** What owners are called, before their colon, that claim only to see to due, expired and overdue requests. */
export const LOOKING = "look"

const PROVIDER_FIELDS = ["limits", "blocked", "breaker", "paused"] as const

/** One round trip and two commands; one more of each where there is a line that this process has not met. */
export async function readPulse(context: QueueContext): Promise<Pulse> {
  const { figures } = await readFiguresOfNow(context, [])
  return { ...figures, troubles: findTroubles(figures) }
}

/** The same, and other fields of `meta` along with it. */
export async function readFiguresOfNow(
  context: QueueContext,
  others: readonly string[],
): Promise<{ figures: Figures; meta: Meta }> {
  const { keys, settings } = context
  const own = [
    ...["load", "since", "drains", "lanes", "paused:*", ...COMMAND_FIELDS, ...others],
    ...[...THROUGHPUT_FIELDS, ...MINUTE_FIELDS],
    ...settings.providers.flatMap((name) => PROVIDER_FIELDS.map((field) => `${field}:${name}`)),
  ]
  const ofLine = (line: string) => [`pending:${line}`, `starts:${line}`]
  const scheduledCount = ["ZCARD", keys.scheduled]
  const read = await readMeta<[number]>(context, "pulse", { own, ofLine }, [scheduledCount])
  return { figures: composeFigures(context, read.meta, read.replies[0]), meta: read.meta }
}

function composeFigures(context: QueueContext, meta: Meta, scheduled: number): Figures {
  const now = context.clock()
  const byLine = pendingByLine(context, meta)
  const pending = countPending(byLine)
  const hasPending = (line: string) => Object.values(byLine[line] ?? {}).some((count) => count > 0)
  const { waits, providerTimes, attempts } = readRecent(meta, now)
  const lanes = readLanes(meta.lanes ?? "")
  const claims = [...lanes.map(({ lastClaimAt }) => lastClaimAt), ...readClaims(meta.drains ?? "")]
  return {
    at: now,
    // What is in flight changes between the two commands.
    counts: { scheduled, pending, processing: Math.max(Number(meta.load) - pending - scheduled, 0) },
    pendingByLine: byLine,
    backlogSince: pending > 0 ? Number(meta.since) || null : null,
    stalledLines: context.lines.filter(
      (line) => hasPending(line) && isStalled(meta[`starts:${line}`] ?? "", now),
    ),
    lastClaimAt: claims.length === 0 ? null : Math.max(...claims),
    paused: meta["paused:*"] === "1",
    throughput: readThroughput(meta, now),
    waitMs: percentilesOf(waits),
    providerMs: percentilesByName(providerTimes),
    attempts,
    providers: Object.fromEntries(
      context.settings.providers.map((name) => [name, readProvider(context, meta, name, now)]),
    ),
    lanes,
    commands: readCommandUse(meta, context.settings.commandBudget, now),
  }
}

function readProvider(
  context: QueueContext,
  meta: Record<string, string>,
  name: string,
  now: number,
): PulseProvider {
  const { inFlight: _, ...state } = readProviderState(meta, name, 0, now)
  return {
    ...limitsInForce(context, name, meta[`limits:${name}`] ?? ""),
    ...{ ...state, troubledSince: readTroubledSince(meta[`breaker:${name}`] ?? "") },
  }
}

/** When drains claimed last; written by `lua/include/drains.lua`. */
function readClaims(drains: string): number[] {
  return [...drains.matchAll(/(\S+) \S+ (\d+)/g)]
    .filter(([, owner = ""]) => !owner.startsWith(`${LOOKING}:`))
    .map(([, , at]) => Number(at))
}
