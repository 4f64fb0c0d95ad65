import { FINISHED_STATES } from "../../core/request.ts"
import { closedField, countFields } from "../batches.ts"
import type { Batch } from "../batches-contract.ts"
import type { Tally } from "./tally.ts"

/**
 * Of copied fields, those that are made anew, or that speak of processes that never knew this queue, or of commands
 * that another store was sent.
 */
const DROPPED =
  /^(version|next|load|since|lines|drains|lanes|alerts|maintainedAt|spent|untold|paused:\*)$|^(live|pending|kept|recent|batch):/

/**
 * The fields of `meta` in a restored queue: paused, with every count by what was put back. Sound to write twice.
 * The last field is `version`: while it is missing, the queue is not whole.
 */
export function restoreMeta(
  copied: Map<string, string>,
  tally: Tally,
  batches: Map<string, Batch>,
  now: number,
): [field: string, value: string | number][] {
  const lines = new Set([...(copied.get("lines") ?? "").split(" ").filter(Boolean), ...tally.lines])
  const isBacklog = [...tally.pending.values()].some((levels) => levels.some((count) => count > 0))
  return [
    ...[...copied].filter(([field]) => !DROPPED.test(field)),
    ...[...tally.live].map(([name, count]): [string, number] => [`live:${name}`, count]),
    ...[...tally.pending].map(([line, levels]): [string, string] => [`pending:${line}`, levels.join(" ")]),
    ...FINISHED_STATES.map((state): [string, string] => [
      `kept:${state}`,
      [...tally.kept[state]].map(([day, count]) => `${day}:${count}`).join(" "),
    ]),
    ...[...batches.values()].flatMap((batch) => batchFields(batch, tally)),
    ...(isBacklog ? [["since", now] as [string, number]] : []),
    ["maintainedAt", now],
    ["lines", [...lines].join(" ")],
    ["load", tally.load],
    // Lower bounds: the first claim looks at everything.
    ["next", "0 0 0 0"],
    ["paused:*", 1],
    ["version", 1],
  ]
}

/** What has ended and is gone already counts as completed: a batch waits for as many as it has enqueued. */
function batchFields(batch: Batch, tally: Tally): [string, number][] {
  if (batch.phase === null) return []
  const { live, completed, failed, cancelled } = tally.batches.get(batch.batchId) ?? {
    ...{ live: 0, completed: 0, failed: 0, cancelled: 0 },
  }
  const gone = Math.max(0, batch.enqueued - live - completed - failed - cancelled)
  const counts = [completed + gone, failed, cancelled]
  const fields = countFields(batch.batchId).map((field, i): [string, number] => [field, counts[i] ?? 0])
  return batch.ending === "cancelled" ? [...fields, [closedField(batch.batchId), 1]] : fields
}
