import type { LiveRecord } from "../record.ts"

/** A request as it stood at one instant, in the formats of the store. */
export type StoredRequest = { requestId: string } & (
  | {
      kind: "live"
      record: string
      /** When it is due, where it is scheduled; null: it is not. */
      scheduledAt: number | null
      /** Empty: it has none. */
      metadata: string
      body: string
      /** Number, attempt, …; empty: none has finished. */
      attempts: string[]
    }
  | { kind: "ended"; outcome: string; body: string; attempts: string[] }
)

export type KeyType = "string" | "hash" | "zset" | "set" | "stream"

/** A key, or a part of a large one, that is copied as it stands. */
export interface StoredPage {
  kind: "key"
  /** Without the queue's prefix. */
  name: string
  type: KeyType
  /** Epoch ms; null: it never ends. */
  expiresAt: number | null
  /** The string; field, value, …; member, score, …; members; entries of a stream as JSON `[id, field, value, …]`. */
  values: string[]
}

/** Requests of one organization by state. */
export type StateCounts = Record<
  "scheduled" | "pending" | "processing" | "completed" | "failed" | "cancelled",
  number
>

/** The place of a live request in the restored queue. */
export interface Place {
  /** `line:<line>`, `scheduled` or `leases:<provider>`, as keys are named. */
  name: string
  score: number
}

/** A request as it is put back. */
export type Restored = { requestId: string; organizationId: string } & (
  | {
      kind: "live"
      record: LiveRecord
      text: string
      place: Place
      state: "scheduled" | "pending" | "processing"
    }
  | {
      kind: "ended"
      state: "completed" | "failed" | "cancelled"
      expiresAt: number
      batch: string
      /** Somebody is to be told of its end. */
      hasCallback: boolean
    }
)

/** Why something is not put back. `expired`: its time is over; `repeated`: its batch will enqueue it again. */
export type Left = "expired" | "repeated"
