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
] as const

const TEXT_FIELDS = ["line", "organization", "owner", "op", "provider", "history"] as const
type TextField = (typeof TEXT_FIELDS)[number]
type NumberField = Exclude<(typeof RECORD_FIELDS)[number], TextField>

/**
 * `dueAt` when it was first due; `effectiveAt` since when it ages; `bytes` of its body; `tokens` an estimate;
 * `deadlineAt` 0: none; `attempt` the latest number given out; `retries` that count, `timeouts` among them;
 * `lost` leases; `owner` and `op` of the lease, empty: none; `provider` of the lease; `history` lost attempts
 * as `number:startedAt:lostAt;…`.
 */
export type LiveRecord = Record<NumberField, number> & Record<TextField, string>

/** An attempt whose lease ran out before anybody settled it. */
export interface LostAttempt {
  number: number
  startedAt: number
  finishedAt: number
}

const RECORD_VERSION = 1

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
>

export function newRecord(fields: NewRecord): LiveRecord {
  return {
    version: RECORD_VERSION,
    effectiveAt: fields.dueAt,
    attempt: 0,
    retries: 0,
    timeouts: 0,
    lost: 0,
    replays: 0,
    startedAt: 0,
    owner: "",
    op: "",
    provider: "",
    history: "",
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
  return Object.fromEntries(entries) as LiveRecord
}

export function lostAttempts(record: LiveRecord): LostAttempt[] {
  if (record.history === "") return []
  return record.history.split(";").map((span) => {
    const [number = 0, startedAt = 0, finishedAt = 0] = span.split(":").map(Number)
    return { number, startedAt, finishedAt }
  })
}
