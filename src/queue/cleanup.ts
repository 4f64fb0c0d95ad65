import { FINISHED_STATES, type FinishedState } from "../core/request.ts"
import { discardCall } from "./cancel.ts"
import type { QueueContext } from "./context.ts"
import { readKept } from "./kept.ts"
import { dayOf } from "./keys.ts"

/** Small enough for one script's arguments and a short lock. */
const CHUNK = 500
const HEADER_BYTES = 200

/** `endsAt`: of the outcome that was read, so that a later one is left alone; absent: there is none. */
type Entry = { requestId: string; organizationId: string; endsAt?: number }

/**
 * Removes index entries of what is past its TTL and, with `olderThanSeconds`, what finished longer ago than that.
 * Two round trips per 500 entries.
 */
export async function cleanup(
  context: QueueContext,
  olderThanSeconds: number | null,
): Promise<Record<FinishedState, number>> {
  const removed = { completed: 0, failed: 0, cancelled: 0 }
  const kept = await readKept(context)
  const today = dayOf(context.clock())
  for (const state of FINISHED_STATES) {
    for (const { day } of kept[state]) {
      if (day <= today) removed[state] += await removeExpired(context, state, day)
      if (olderThanSeconds !== null)
        removed[state] += await removeOlder(context, state, day, olderThanSeconds)
    }
  }
  return removed
}

async function removeExpired(context: QueueContext, state: FinishedState, day: number): Promise<number> {
  let removed = 0
  for (;;) {
    const [members] = await context.store.query<[string[]]>("cleanup", [
      ["ZRANGE", context.keys.finished(state, day), 0, context.clock(), "BYSCORE", "LIMIT", 0, CHUNK],
    ])
    // Without entries it corrects the count of a key that has expired itself, days after its last entry.
    if (members.length === 0) {
      if (day < dayOf(context.clock())) await discard(context, state, day, [], false)
      return removed
    }
    removed += await discard(context, state, day, members.map(parseMember), false)
  }
}

async function removeOlder(
  context: QueueContext,
  state: FinishedState,
  day: number,
  olderThanSeconds: number,
): Promise<number> {
  const { keys } = context
  const before = context.clock() - olderThanSeconds * 1000
  let removed = 0
  for (let offset = 0; ; ) {
    const [members] = await context.store.query<[string[]]>("cleanup", [
      ["ZRANGE", keys.finished(state, day), offset, offset + CHUNK - 1],
    ])
    if (members.length === 0) return removed
    const entries = members.map(parseMember)
    const headers = await context.store.query<string[]>(
      "cleanup",
      entries.map(({ requestId }) => ["GETRANGE", keys.outcome(requestId), 0, HEADER_BYTES]),
    )
    const old = entries.flatMap((entry, i) => {
      const [, , , endsAt = 0, finishedAt = 0] = (headers[i] ?? "").split("|")
      return Number(finishedAt) <= before ? { ...entry, ...(endsAt && { endsAt: Number(endsAt) }) } : []
    })
    const gone = old.length === 0 ? 0 : await discard(context, state, day, old, true)
    removed += gone
    offset += members.length - gone
  }
}

async function discard(
  context: QueueContext,
  state: FinishedState,
  day: number,
  entries: Entry[],
  outcomes: boolean,
): Promise<number> {
  const [removed] = await context.store.run<[number]>("discard", [
    discardCall(context, state, day, entries, outcomes),
  ])
  return removed
}

function parseMember(member: string): Entry {
  const [requestId = "", organizationId = ""] = member.split("|")
  return { requestId, organizationId }
}
