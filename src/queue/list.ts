import { requestIdTime } from "../core/ids.ts"
import type { RequestStatus } from "../core/outcome.ts"
import type { RequestState } from "../core/request.ts"
import { fits } from "../core/request-filter.ts"
import { lineKeys, type QueueContext } from "./context.ts"
import type { ListOptions, RequestPage } from "./contract.ts"
import { RECENT_TTL_DAYS } from "./enqueue.ts"
import { dayOf } from "./keys.ts"
import { learnLine, readView, type View } from "./status.ts"
import { setsOf } from "./walk.ts"

/** Header, metadata, record and summary of an outcome fit in; its response lies behind them. */
const OUTCOME_HEAD_BYTES = 131_071
/** By state alone, so many are looked through per line or day; beyond, list by organization. */
const MAX_SCANNED = 10_000
/** With more filters than one, a page looks through more than it can return. */
const SCAN_FACTOR = 5
/** A tenant's index is read day by day, in growing steps: most lists end in the first. */
const DAYS_PER_STEP = [1, 7, RECENT_TTL_DAYS]

/**
 * Newest first; ids sort by creation, and a cursor is the last id that was looked at. By organization:
 * its own index. By state alone: the state's sets. Two or three round trips, 2 to 4 commands a request.
 */
export async function list(context: QueueContext, options: ListOptions): Promise<RequestPage> {
  const { state, organizationId, limit, cursor, filter: others = {} } = options
  const filter = {
    ...others,
    ...(state !== null && { state }),
    ...(organizationId !== null && { organizationId }),
  }
  const scan = Object.keys(filter).length > 1 ? limit * SCAN_FACTOR : limit
  const ids =
    organizationId === null
      ? await idsByState(context, state ?? "pending", cursor, scan)
      : await idsByOrganization(context, organizationId, cursor, scan)
  const data: RequestStatus[] = []
  let last: string | null = null
  for (const [i, status] of (await readViews(context, ids)).entries()) {
    if (data.length === limit) break
    last = ids[i] ?? null
    const errorCode = status?.error?.code ?? null
    if (status !== null && fits(filter, { ...status, errorCode })) data.push({ ...status, response: null })
  }
  const isEnd = ids.length < scan && last === (ids.at(-1) ?? null)
  return { data, nextCursor: isEnd ? null : last }
}

async function idsByOrganization(
  context: QueueContext,
  organizationId: string,
  cursor: string | null,
  count: number,
): Promise<string[]> {
  const ids: string[] = []
  const start = dayOf(cursor === null ? context.clock() : requestIdTime(cursor))
  const days = Array.from({ length: RECENT_TTL_DAYS + 1 }, (_, i) =>
    context.keys.recent(organizationId, start - i),
  )
  const from = cursor === null ? "+" : `(${cursor}`
  for (const step of DAYS_PER_STEP) {
    const [existing, ...found] = await context.store.query<[number, ...string[][]]>("list", [
      ["EXISTS", ...days],
      ...days.splice(0, step).map((key) => ["ZRANGE", key, from, "-", "BYLEX", "REV", "LIMIT", 0, count]),
    ])
    ids.push(...found.flat())
    // How many of the days there are tells where to stop: most tenants have few.
    const left = existing - found.filter((day) => day.length > 0).length
    if (ids.length >= count || left === 0 || days.length === 0) break
  }
  return ids.slice(0, count)
}

async function idsByState(
  context: QueueContext,
  state: RequestState,
  cursor: string | null,
  count: number,
): Promise<string[]> {
  const sets = await setsOf(context, [state])
  if (sets.length === 0) return []
  const members = await context.store.query<string[][]>(
    "list",
    sets.map(({ key }) => ["ZRANGE", key, 0, MAX_SCANNED - 1, "REV"]),
  )
  return members
    .flat()
    .map((member) => member.split("|")[0] ?? member)
    .filter((id) => cursor === null || id < cursor)
    .sort((a, b) => (a < b ? 1 : -1))
    .slice(0, count)
}

/** What is known of these, in their order; null: nothing. One round trip. */
export async function readViews(context: QueueContext, ids: string[]): Promise<(RequestStatus | null)[]> {
  if (ids.length === 0) return []
  const { keys } = context
  const [views] = await context.store.run<[View[]]>("list", [
    {
      name: "list",
      keys: [
        ...[keys.meta, keys.live, keys.scheduled, ...lineKeys(context)],
        ...ids.flatMap((id) => [keys.metadata(id), keys.outcome(id), keys.attempts(id)]),
      ],
      args: [context.clock(), context.lines.join(" "), OUTCOME_HEAD_BYTES, ...ids],
    },
  ])
  const learned = views.filter((view) => learnLine(context, view)).length > 0
  return learned
    ? readViews(context, ids)
    : views.map((view, i) => readView(ids[i] ?? "", view, context.clock()))
}
