/** The packed record of a live request, joined by "|": `lua/include/record.lua` holds the same list. */
export const RECORD_FIELDS = [
  "version",
  "line",
  "level",
  "organization",
  "dueAt",
  "effectiveAt",
  "bytes",
  "tokens",
  "timeoutMs",
  "deadlineAt",
  "resultTtlSeconds",
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
  "model",
  "targets",
  "target",
  "avoid",
  "circuit",
] as const

const TEXT_FIELDS = [
  "line",
  "organization",
  "timeouts",
  "owner",
  "op",
  "provider",
  "history",
  "model",
  "targets",
  "avoid",
  "circuit",
] as const
type TextField = (typeof TEXT_FIELDS)[number]
type NumberField = Exclude<(typeof RECORD_FIELDS)[number], TextField>

/**
 * `dueAt` when it was first due; `effectiveAt` since when it ages, 0 before it first entered its line; `bytes` of its body;
 * `tokens` an estimate; `deadlineAt` 0: none; `attempt` the latest number given out; `retries` that count; `timeouts` the
 * numbers of the targets that timed out, `1.1`; `lost` leases; `owner` and `op` of the lease, empty: none; `provider` of the
 * lease, and `target` its number among the targets, 0 before the first; `history` lost attempts as
 * `number:startedAt:lostAt:target;…`; `model` and `targets` as in `targets.ts`; `avoid` targets that had trouble with it;
 * `circuit` the breaker's epoch when it was claimed.
 */
export type LiveRecord = Record<NumberField, number> & Record<TextField, string>

/** An attempt whose lease ran out before anybody settled it. */
export interface LostAttempt {
  number: number
  startedAt: number
  finishedAt: number
  /** The number of the target that it was leased for. */
  target: number
}

export const RECORD_VERSION = 2

type NewRecord = Pick<
  LiveRecord,
  | "line"
  | "level"
  | "organization"
  | "dueAt"
  | "bytes"
  | "tokens"
  | "timeoutMs"
  | "deadlineAt"
  | "resultTtlSeconds"
  | "model"
  | "targets"
>

export function newRecord(fields: NewRecord): LiveRecord {
  return {
    version: RECORD_VERSION,
    effectiveAt: 0,
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
    ...fields,
  }
}

export function encodeRecord(record: LiveRecord): string {
  return RECORD_FIELDS.map((field) => record[field]).join("|")
}

export function decodeRecord(text: string): LiveRecord {
  const values = text.split("|")
  const isText = (field: string): boolean => (TEXT_FIELDS as readonly string[]).includes(field)
  const entries = RECORD_FIELDS.map((field, i) => [
    field,
    isText(field) ? (values[i] ?? "") : Number(values[i]),
  ])
  const record = Object.fromEntries(entries) as LiveRecord
  // Its format before this one had one target and counted its timeouts.
  if (record.version === 1) return { ...record, timeouts: record.timeouts === "0" ? "" : "1", target: 1 }
  return record
}

export function lostAttempts(record: LiveRecord): LostAttempt[] {
  if (record.history === "") return []
  return record.history.split(";").map((span) => {
    const [number = 0, startedAt = 0, finishedAt = 0, target = 1] = span.split(":").map(Number)
    return { number, startedAt, finishedAt, target }
  })
}
