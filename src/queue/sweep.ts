import { invalid, problem } from "../core/contracts/problem.ts"
import type { ErrorCode } from "../core/outcome.ts"
import type { RequestState } from "../core/request.ts"
import { fits, type RequestFilter } from "../core/request-filter.ts"
import type { SweepGroup } from "../core/sweep.ts"
import type { QueueContext } from "./context.ts"
import { decodeEnding, readHead, type StoredEnding } from "./frames.ts"
import { decodeRecord } from "./record.ts"
import { type Acted, cancelAllOf, discardAllOf, type Found, replayAllOf } from "./sweep-acts.ts"
import type { SweepOptions, Swept } from "./sweep-contract.ts"
import { type Entry, entriesBehind, placeOf, setsOf, stateOfPlace } from "./walk.ts"

/** What one page looks at: some 100 kB, by a command for each set that they may stand in and one or two for all. */
const MOST_EXAMINED = 500

/** Requests only move on, to the end again by a retry, so walked in this order hardly one is missed. */
const UNFINISHED = ["scheduled", "pending", "processing"] as const

export async function sweep(context: QueueContext, options: SweepOptions): Promise<Swept> {
  const { verb, filter, limit, dryRun, cursor } = options
  const states = statesOf(options)
  const from = cursor === null ? null : stateOfPlace(cursor)
  if (cursor !== null && (from === null || !states.includes(from))) {
    throw invalid("The body", [problem(["cursor"], "must be the nextCursor of an earlier page")])
  }
  const isCut = !dryRun && !isSelective(options)
  const count = isCut ? limit : MOST_EXAMINED
  const { entries, isEnd } = await entriesBehind(context, await setsOf(context, states), cursor, count)
  const looked = await (verb === "cancel" ? lookAtLive : lookAtEndings)(context, entries, filter)
  const matching = looked.flatMap((found) => (found !== null && found !== "other" ? [found] : []))
  const acted = dryRun ? matching : matching.slice(0, limit)
  const last = acted.length < matching.length ? acted.at(-1)?.entry : entries.at(-1)
  const seen = last === undefined ? 0 : entries.indexOf(last) + 1
  const page = {
    matched: acted.length,
    groups: groupsOf(acted),
    examined: looked.slice(0, seen).filter((found) => found !== null).length,
    nextCursor: last === undefined || (isEnd && seen === entries.length) ? null : placeOf(last),
  }
  if (dryRun || acted.length === 0) return { ...page, done: 0, skipped: 0, aborts: [], choresDue: false }
  const { done, aborts = [], choresDue = false } = await act(context, acted, options)
  return { ...page, done, skipped: acted.length - done, aborts, choresDue }
}

function statesOf({ verb, filter }: SweepOptions): readonly RequestState[] {
  if (verb !== "cancel") return ["failed"]
  return filter.state === undefined ? UNFINISHED : [filter.state]
}

/** Whether there can be more in a page than match. */
function isSelective({ verb, filter: { state, organizationId, ...others } }: SweepOptions): boolean {
  return (
    organizationId !== undefined ||
    Object.keys(others).length > 0 ||
    (verb === "cancel" && state !== undefined)
  )
}

/** Noted in the round trip that acts: where that is done, this is told. */
function act(context: QueueContext, acted: Found[], { verb, filter, audit }: SweepOptions): Promise<Acted> {
  const entry = audit && { ...audit, target: `${acted.length} of ${audit.target}` }
  if (verb === "replay") return replayAllOf(context, acted, entry)
  if (verb === "discard") return discardAllOf(context, acted, entry)
  const isProcessing = filter.state === "processing"
  return cancelAllOf(context, acted, filter.state && (isProcessing ? "processing" : "waiting"), entry)
}

/** `other`: the filter does not hold for it; null: another organization's than the filter's, or it is there no longer. */
type Look = Found | "other" | null

/** The record tells all but whether it waits in its line. One command. */
async function lookAtLive(context: QueueContext, entries: Entry[], filter: RequestFilter): Promise<Look[]> {
  if (entries.length === 0) return []
  const ids = entries.map(({ requestId }) => requestId)
  const [texts] = await context.store.query<[(string | null)[]]>("sweep", [
    ["HMGET", context.keys.live, ...ids],
  ])
  return entries.map((entry, i) => {
    const text = texts[i] ?? null
    if (text === null) return null
    const record = decodeRecord(text)
    const head = readHead(entry.requestId, record, null)
    const waiting = entry.state === "processing" ? "pending" : entry.state
    const state = record.owner === "" ? waiting : "processing"
    return lookAt(entry, filter, { ...head, state, errorCode: null })
  })
}

/** The index tells the organization, so others' are not even read. Two commands. */
async function lookAtEndings(
  context: QueueContext,
  entries: Entry[],
  filter: RequestFilter,
): Promise<Look[]> {
  const { organizationId: wanted } = filter
  const own = entries.filter(({ organizationId }) => wanted === undefined || organizationId === wanted)
  if (own.length === 0) return entries.map(() => null)
  const keys = own.map(({ requestId }) => context.keys.outcome(requestId))
  const [texts] = await context.store.run<[string[]]>("sweep", [{ name: "endings", keys, args: [] }])
  const byEntry = new Map(own.map((entry, i) => [entry, texts[i] ?? ""]))
  return entries.map((entry) => {
    const text = byEntry.get(entry) ?? ""
    if (text === "") return null
    const ending = decodeEnding(text)
    const { state, code } = ending
    const errorCode = code === "" ? null : (code as ErrorCode)
    const head = readHead(entry.requestId, ending.record, null)
    // Replayed, and failed or ended anew: its new place is before this one.
    if (state !== "failed" || ending.expiresAt !== entry.score) return null
    return lookAt(entry, filter, { ...head, state, errorCode }, ending)
  })
}

function lookAt(
  entry: Entry,
  filter: RequestFilter,
  request: Parameters<typeof fits>[1],
  ending?: StoredEnding,
): Look {
  const { organizationId = request.organizationId } = filter
  if (organizationId !== request.organizationId) return null
  if (!fits(filter, request)) return "other"
  const { provider, errorCode } = request
  return { entry, provider, errorCode, ...(ending && { ending }) }
}

function groupsOf(matching: Found[]): SweepGroup[] {
  const groups = new Map<string, SweepGroup>()
  for (const { provider, errorCode } of matching) {
    const name = `${provider} ${errorCode}`
    const group = groups.get(name) ?? { provider, errorCode, count: 0 }
    group.count += 1
    groups.set(name, group)
  }
  return [...groups.values()].sort((a, b) => b.count - a.count)
}
