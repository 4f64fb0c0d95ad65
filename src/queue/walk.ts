import { isFinished, type RequestStatus } from "../core/outcome.ts"
import type { RequestState } from "../core/request.ts"
import type { QueueContext } from "./context.ts"
import { readKept } from "./kept.ts"

// Going through the sorted sets in which requests of some states stand, page by page, while they change.

/** One sorted set. `part`: the line, the provider of leases, or the day. */
interface StateSet {
  state: RequestState
  part: string
  key: string
}

/** A request in one. */
export interface Entry {
  state: RequestState
  part: string
  score: number
  requestId: string
  /** null: the set does not say. */
  organizationId: string | null
}

type Place = Pick<Entry, "state" | "part" | "score" | "requestId">

/** The sets of these states in the order of walks; of finished ones the latest day first. One round trip, if any. */
export async function setsOf(context: QueueContext, states: readonly RequestState[]): Promise<StateSet[]> {
  const { keys } = context
  const kept = states.some((state) => state !== "scheduled") ? await readKept(context) : null
  return states.flatMap((state): StateSet[] => {
    if (state === "scheduled") return [{ state, part: "", key: keys.scheduled }]
    if (isFinished(state)) {
      const days = (kept?.[state] ?? []).map(({ day }) => day).sort((a, b) => b - a)
      return days.map((day) => ({ state, part: String(day), key: keys.finished(state, day) }))
    }
    const keyOf = state === "pending" ? keys.line : keys.leases
    return context.lines.toSorted().map((line) => ({ state, part: line, key: keyOf(line) }))
  })
}

/**
 * The next entries behind a place, highest scores first, at most `count`. A score stands fast while a request stays where
 * it is, and what comes anew has a higher one, or a later day: it lies before the place. One round trip, and another
 * for each `count` of equal scores before the place.
 */
export async function entriesBehind(
  context: QueueContext,
  sets: StateSet[],
  cursor: string | null,
  count: number,
): Promise<{ entries: Entry[]; isEnd: boolean }> {
  const place = cursor === null ? null : readPlace(cursor)
  const order = [...new Set(sets.map(({ state }) => state))]
  const left = place === null ? sets : sets.filter((set) => compare(order, set, place) >= 0)
  if (left.length === 0) return { entries: [], isEnd: true }
  const isPlaced = (set: StateSet) => place !== null && compare(order, set, place) === 0
  for (let offset = 0; ; offset += count) {
    const replies = await context.store.query<string[][]>(
      "sweep",
      left.map((set) => [
        ...["ZRANGE", set.key, isPlaced(set) ? (place?.score ?? "") : "+inf", "-inf", "BYSCORE", "REV"],
        ...["LIMIT", isPlaced(set) ? offset : 0, count, "WITHSCORES"],
      ]),
    )
    const entries: Entry[] = []
    let isFull = false
    for (const [i, set] of left.entries()) {
      const found = readEntries(set, replies[i] ?? [])
      entries.push(...found.filter((entry) => !isPlaced(set) || isBehind(entry, place)))
      isFull = found.length === count
      // More of it may follow, before the next set.
      if (isFull) break
    }
    const isEnd = !isFull && entries.length <= count
    if (entries.length > 0 || isEnd) return { entries: entries.slice(0, count), isEnd }
  }
}

/** Members are ids, and `<id>|<organization>` in the indexes of what has ended. */
function readEntries({ state, part }: StateSet, flat: (string | number)[]): Entry[] {
  return flat.flatMap((member, i): Entry[] => {
    if (i % 2 === 1) return []
    const [requestId = "", organizationId = null] = String(member).split("|")
    return [{ state, part, score: Number(flat[i + 1]), requestId, organizationId }]
  })
}

function compare(order: RequestState[], set: Pick<Place, "state" | "part">, place: Place): number {
  if (set.state !== place.state) return order.indexOf(set.state) - order.indexOf(place.state)
  if (set.part === place.part) return 0
  return set.part > place.part === isFinished(set.state) ? -1 : 1
}

function isBehind({ score, requestId }: Entry, place: Place | null): boolean {
  return place === null || score < place.score || (score === place.score && requestId < place.requestId)
}

const PLACE = /^(scheduled|pending|processing|failed)\.(.*)~(-?\d{1,15})~(req_[0-9a-z]{23})$/

export function placeOf({ state, part, score, requestId }: Place): string {
  return `${state}.${part}~${score}~${requestId}`
}

/** The state of a place; null: the text is none. */
export function stateOfPlace(text: string): RequestState | null {
  return PLACE.test(text) ? readPlace(text).state : null
}

function readPlace(text: string): Place {
  const [, state = "", part = "", score = "", requestId = ""] = PLACE.exec(text) ?? []
  return { state: state as RequestStatus["state"], part, score: Number(score), requestId }
}
