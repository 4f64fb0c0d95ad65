import type { RequestStatus } from "../core/outcome.ts"
import type { Usage } from "../core/request.ts"
import type { Idempotency } from "./contract.ts"
import type { FileCursor } from "./files-contract.ts"

/** Whose batches they are: OpenAI's, or Anthropic's message batches. */
export type BatchKind = "openai" | "anthropic"

export type BatchStatus =
  | "validating"
  | "failed"
  | "in_progress"
  | "finalizing"
  | "completed"
  | "expired"
  | "cancelling"
  | "cancelled"

/** What is wrong with an input file. */
export interface LineError {
  code: string
  message: string
  param: string | null
  /** From 1; null: of the file as a whole. */
  line: number | null
}

/** Where in an input file the next line begins. */
export interface LineCursor {
  chunk: number
  /** Of a character in the chunk. */
  offset: number
  /** Lines before it, without empty ones: the next request's index. */
  requests: number
  /** Lines before it, with empty ones. */
  lines: number
}

/** A file that is being written. */
export interface DraftFile {
  fileId: string
  written: FileCursor
}

/** What lines came to. */
export interface LineCounts {
  completed: number
  failed: number
  cancelled: number
  expired: number
}

/** Requests by what they came to. */
export type EndedCounts = Omit<LineCounts, "expired">

/** Of a batch that goes on: what its next step does. */
export type BatchPhase = "validate" | "enqueue" | "cancel" | "write"

export interface Batch {
  batchId: string
  kind: BatchKind
  organizationId: string
  /** Such as `/v1/chat/completions`. */
  endpoint: string
  inputFileId: string
  inputBytes: number
  status: BatchStatus
  /** When it came to each of these, epoch ms. */
  at: Partial<Record<BatchStatus, number>>
  createdAt: number
  /** The end of its window: what has not begun then, never will. */
  expiresAt: number
  metadata: Record<string, string> | null
  /** How long its output files are kept, from their creation. */
  outputTtlSeconds: number
  /** Lines that are worked on together; of one enqueue, so that a repetition has the same ones. */
  groupSize: number
  /** null: it has ended. */
  phase: BatchPhase | null
  /** What it ends as when the phases are through. */
  ending: "completed" | "expired" | "cancelled" | "failed"
  /** How far the phase has come. */
  cursor: LineCursor
  /** Lines of the input; null until it is validated. */
  total: number | null
  /** Lines up to here have been enqueued, where they could be read. */
  reached: number
  /** Requests that have been enqueued. */
  enqueued: number
  errors: LineError[]
  output: DraftFile | null
  errorOutput: DraftFile | null
  /** Of the lines that are written. */
  counts: LineCounts
  usage: Usage
}

/** What is asked for with a batch. */
export type NewBatch = Pick<
  Batch,
  "organizationId" | "endpoint" | "inputFileId" | "inputBytes" | "metadata" | "outputTtlSeconds"
>

/** A batch as it is stored. `revision` grows with each change, so that of two changes to the same one the second fails. */
export interface StoredBatch {
  revision: number
  batch: Batch
}

/** What has become of a line's request. `unknown`: it was never stored, or is past its time. */
export type LineOutcome = { kind: "live" } | { kind: "unknown" } | { kind: "finished"; status: RequestStatus }

interface BatchPage {
  data: Batch[]
  hasMore: boolean
}

/** Batches and what has become of their requests. Errors are `AppError`s. Every method is one round trip. */
export interface BatchStore {
  newBatchId(kind: BatchKind): string
  /**
   * Stores it, and has it stepped at once. The id of the batch that an idempotency key stands for: then nothing was
   * stored. Throws `idempotency_mismatch`.
   */
  create(batch: Batch, idempotency: Idempotency | null): Promise<string>
  /** null: unknown, past its time, or another organization's. `organizationId` null: any. */
  find(batchId: string, organizationId: string | null): Promise<StoredBatch | null>
  /** null when another has changed it meanwhile. */
  save(known: StoredBatch, batch: Batch): Promise<StoredBatch | null>
  /** The same for a batch that takes no more requests from then on; it is stepped at once. */
  cancel(known: StoredBatch, batch: Batch): Promise<boolean>
  /** Newest first, beyond a batch's id or just before it. Two round trips. */
  list(
    kind: BatchKind,
    organizationId: string,
    page: { limit: number; after?: string; before?: string },
  ): Promise<BatchPage>
  delete(batch: Batch): Promise<void>
  /** Their requests that have ended so far, in order. One command. */
  countEnded(batchIds: string[]): Promise<EndedCounts[]>
  /** Nobody asks any more how many have ended. */
  forgetCounts(batchId: string): Promise<void>
  /**
   * Notes whose each id is. Of each the line that had it first, which is its own when nobody had. Two round trips.
   */
  claimCustomIds(batchId: string, ids: { customId: string; line: number }[]): Promise<number[]>
  forgetCustomIds(batchId: string): Promise<void>
  /** Those of them that are not finished. */
  unfinished(requestIds: string[]): Promise<string[]>
  /** In order: as many of them as have about `maxBytes`, but one at least. */
  outcomes(requestIds: string[], maxBytes: number): Promise<LineOutcome[]>
}
