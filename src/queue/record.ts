import { unreadable } from "./formats.ts"

/** What was asked for: only `effectiveAt` changes after the request was stored. */
const ASKED_FIELDS = [
  "version",
  "line",
  "level",
  "organization",
  "model",
  "targets",
  "createdAt",
  "scheduledAt",
  "dueAt",
  "effectiveAt",
  "bytes",
  "tokens",
  "timeoutMs",
  "deadlineAt",
  "resultTtlSeconds",
  "maxRetries",
  "simulated",
  "metadata",
  "callback",
  "batch",
  "trace",
] as const

/** What has become of it. */
const FATE_FIELDS = [
  "attempt",
  "retries",
  "timeouts",
  "lost",
  "replays",
  "startedAt",
  "owner",
  "op",
  "provider",
  "history",
  "target",
  "avoid",
  "circuit",
  "watchedUntil",
  "dueAgainAt",
] as const

const TEXT_FIELDS = [
  "line",
  "organization",
  "model",
  "targets",
  "callback",
  "batch",
  "trace",
  "timeouts",
  "owner",
  "op",
  "provider",
  "history",
  "avoid",
  "circuit",
] as const
type TextField = (typeof TEXT_FIELDS)[number]
type AskedField = (typeof ASKED_FIELDS)[number]
type FateField = (typeof FATE_FIELDS)[number]

/**
 * The packed record of a live request. `level` of its priority; `model` and `targets` as in `targets.ts`; `scheduledAt` and
 * `deadlineAt` 0: none; `dueAt` when it was first due; `effectiveAt` since when it ages, 0 before it first entered its line;
 * `bytes` of its body and metadata; `tokens` an estimate; `simulated` and `metadata` 1: it is, it has some;
 * `callback` letters of the ends to be told (`c`ompleted, `f`ailed, `x`: cancelled); `batch` it is a line of, empty: none;
 * `trace` as in `core/trace.ts`, empty: none.
 * `attempt` the latest number given out; `retries` that count; `timeouts` the numbers of the targets that timed out, `1.1`;
 * `lost` leases; `owner` and `op` of the lease, empty: none; `provider` of the lease, and `target` its number among the
 * targets, 0 before the first; `history` lost attempts as `number:startedAt:lostAt:target;…`; `avoid` targets that had
 * trouble with it; `circuit` the breaker's epoch when it was claimed; `watchedUntil`
 * then nobody follows its text any more; `dueAgainAt` since when it is due after its latest attempt, 0: there was none.
 */
export type LiveRecord = Record<Exclude<AskedField | FateField, TextField>, number> &
  Record<TextField, string>

/** An attempt whose lease ran out before anybody settled it. */
export interface LostAttempt {
  number: number
  startedAt: number
  finishedAt: number
  /** The number of the target that it was leased for. */
  target: number
}

const RECORD_VERSION = 5

const FRESH: Pick<LiveRecord, FateField> = {
  attempt: 0,
  retries: 0,
  timeouts: "",
  lost: 0,
  replays: 0,
  startedAt: 0,
  owner: "",
  op: "",
  provider: "",
  history: "",
  target: 0,
  avoid: "",
  circuit: "",
  watchedUntil: 0,
  dueAgainAt: 0,
}
const FRESH_TEXT = pack(FATE_FIELDS, FRESH)
const isText = new Set<string>(TEXT_FIELDS)

export function newRecord(asked: Omit<LiveRecord, FateField | "version" | "effectiveAt">): LiveRecord {
  return { version: RECORD_VERSION, effectiveAt: 0, ...FRESH, ...asked }
}

/** Fields joined by "|", what has become of it only when something has: `lua/include/record.lua` holds the same lists. */
export function encodeRecord(record: LiveRecord): string {
  const fate = pack(FATE_FIELDS, record)
  return pack(ASKED_FIELDS, record) + (fate === FRESH_TEXT ? "" : `|${fate}`)
}

function pack<Field extends string>(
  fields: readonly Field[],
  values: Record<Field, string | number>,
): string {
  return fields.map((field) => values[field]).join("|")
}

export function decodeRecord(text: string): LiveRecord {
  const values = text.split("|")
  if (Number(values[0]) !== RECORD_VERSION) throw unreadable(`record ${values[0]?.slice(0, 4)}`)
  const record: Record<string, string | number> = { ...FRESH }
  for (const [i, value] of values.entries()) {
    const field = ASKED_FIELDS[i] ?? FATE_FIELDS[i - ASKED_FIELDS.length] ?? ""
    record[field] = isText.has(field) ? value : Number(value)
  }
  return record as LiveRecord
}

export function lostAttempts(record: LiveRecord): LostAttempt[] {
  if (record.history === "") return []
  return record.history.split(";").map((span) => {
    const [number = 0, startedAt = 0, finishedAt = 0, target = 1] = span.split(":").map(Number)
    return { number, startedAt, finishedAt, target }
  })
}
