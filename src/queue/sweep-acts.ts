import type { AuditEntry } from "../core/audit.ts"
import type { ErrorCode } from "../core/outcome.ts"
import { noteCall } from "./access.ts"
import { CANCEL_GROUP, type CancelScriptReply, cancelCall, discardCall } from "./cancel.ts"
import { type QueueContext, runWithLines } from "./context.ts"
import type { StoredEnding } from "./frames.ts"
import { dayOf } from "./keys.ts"
import { readViews } from "./list.ts"
import { type ReplayScriptReply, replayCall, replayedRecord } from "./replay.ts"
import type { ScriptCall } from "./store.ts"
import type { Swept } from "./sweep-contract.ts"
import type { Entry } from "./walk.ts"

// What a sweep does to the requests of a page: to each what its own operation does, by the same script.

/** Requests that one round trip replays: some 150 kB of keys and records. */
const REPLAY_GROUP = 100

/** A request that the filter holds for; `ending` of a dead letter. */
export interface Found {
  entry: Entry
  provider: string
  errorCode: ErrorCode | null
  ending?: StoredEnding
}

export type Acted = Pick<Swept, "done"> & Partial<Pick<Swept, "aborts" | "choresDue">>

/** `expected`: what has begun meanwhile, or has stopped, is left alone. */
export async function cancelAllOf(
  context: QueueContext,
  requests: Found[],
  expected: "waiting" | "processing" | undefined,
  audit: AuditEntry | undefined,
): Promise<Acted> {
  const calls = requests.map(
    ({ entry }) =>
      () =>
        cancelCall(context, entry.requestId, null, undefined, expected),
  )
  const replies = await inGroups<CancelScriptReply>(context, "cancel", calls, CANCEL_GROUP, audit)
  const acted = { done: 0, aborts: [] as Swept["aborts"], choresDue: false }
  for (const [i, reply] of replies.entries()) {
    if (reply[0] !== "cancelled") continue
    const [, owner, attempt, choresDue] = reply
    acted.done += 1
    acted.choresDue ||= choresDue === 1
    const requestId = requests[i]?.entry.requestId ?? ""
    if (owner !== "") acted.aborts.push({ owner, requestId, attempt: Number(attempt) })
  }
  return acted
}

/** What another has replayed meanwhile, or a lost answer of this very call, is as it was asked for. */
export async function replayAllOf(
  context: QueueContext,
  requests: Found[],
  audit: AuditEntry | undefined,
): Promise<Acted> {
  const now = context.clock()
  const letters = requests.flatMap(({ entry, ending }) =>
    ending === undefined ? [] : [{ entry, ending, record: replayedRecord(ending, now, null) }],
  )
  const calls = letters.map(
    ({ entry, ending, record }) =>
      () =>
        replayCall(context, entry.requestId, ending, record),
  )
  const replies = await inGroups<ReplayScriptReply>(context, "replay", calls, REPLAY_GROUP, audit)
  const changed = letters.filter((_, i) => replies[i]?.[0] === "changed")
  const views = await readViews(
    context,
    changed.map(({ entry }) => entry.requestId),
  )
  const asAsked = changed.filter(
    ({ record }, i) => views[i]?.replays === record.replays && views[i]?.deadlineAt === null,
  )
  return { done: replies.filter(([answer]) => answer === "replayed").length + asAsked.length }
}

/** One script per day on which they would have ended. What is gone, whoever did it, is as it was asked for. */
export async function discardAllOf(
  context: QueueContext,
  requests: Found[],
  audit: AuditEntry | undefined,
): Promise<Acted> {
  const letters = requests.flatMap(({ entry, ending }) => (ending === undefined ? [] : [{ entry, ending }]))
  const days = Map.groupBy(letters, ({ ending }) => dayOf(ending.expiresAt))
  const calls = [...days].map(([day, ofDay]) =>
    discardCall(context, "failed", day, ofDay.map(toDiscard), true),
  )
  const note = audit === undefined ? [] : [noteCall(context.keys, audit)]
  const removed = await context.store.run<number[]>("discard", [...calls, ...note])
  const done = removed.slice(0, calls.length).reduce((sum, count) => sum + count, 0)
  if (done === letters.length) return { done }
  const views = await readViews(
    context,
    letters.map(({ entry }) => entry.requestId),
  )
  return { done: views.filter((view) => view === null).length }
}

function toDiscard({ entry, ending }: { entry: Entry; ending: StoredEnding }) {
  const { organizationId, expiresAt } = ending
  return { requestId: entry.requestId, organizationId, endsAt: expiresAt }
}

/** Makes and runs these calls, a group in a round trip; the first one takes the audit entry along. Replies in order. */
async function inGroups<Reply>(
  context: QueueContext,
  op: string,
  calls: (() => ScriptCall)[],
  size: number,
  audit: AuditEntry | undefined,
): Promise<Reply[]> {
  const replies: Reply[] = []
  for (let first = 0; first < calls.length; first += size) {
    const group = calls.slice(first, first + size)
    const note = first > 0 || audit === undefined ? [] : [noteCall(context.keys, audit)]
    const answers = await runWithLines<unknown[]>(context, op, () => [
      ...group.map((make) => make()),
      ...note,
    ])
    replies.push(...(answers.slice(0, group.length) as Reply[]))
  }
  return replies
}
