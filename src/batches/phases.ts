import type { Batch, BatchStatus, DraftFile, LineCounts } from "../queue/batches-contract.ts"
import { type BatchDeps, formatOf } from "./deps.ts"
import { FILE_START } from "./read-lines.ts"

// How a batch comes from one status to the next.

export const NO_COUNTS: LineCounts = { completed: 0, failed: 0, cancelled: 0, expired: 0 }

export function enter(batch: Batch, status: BatchStatus, now: number): Batch {
  return { ...batch, status, at: { ...batch.at, [status]: now } }
}

export function end(batch: Batch, status: Batch["ending"], now: number): Batch {
  return { ...enter(batch, status, now), phase: null }
}

/** Its requests have ended, or will soon: what they came to is written. The files get their names now, for good. */
export function startWriting({ files, clock }: BatchDeps, batch: Batch, ending: Batch["ending"]): Batch {
  const draft = (): DraftFile => ({ fileId: files.newFileId(), written: { chunks: 0, bytes: 0 } })
  const begun: Batch = {
    ...batch,
    ...{ phase: "write", ending, cursor: FILE_START, counts: NO_COUNTS },
    output: draft(),
    errorOutput: formatOf(batch).hasErrorFile ? draft() : null,
  }
  return batch.status === "cancelling" ? begun : enter(begun, "finalizing", clock())
}

/** Nothing more is enqueued, and what is not finished will be cancelled. null: it is too late for that. */
export function startCancelling(batch: Batch, now: number): Batch | null {
  if (batch.phase !== "validate" && batch.phase !== "enqueue") return null
  return { ...enter(batch, "cancelling", now), phase: "cancel", ending: "cancelled", cursor: FILE_START }
}

/** Its input file is gone: what is not finished is cancelled, and there is nothing to write files from. */
export function abandon(batch: Batch, now: number): Batch {
  const message = "The input file is gone: a batch needs it until it has ended."
  const errors = [...batch.errors, { code: "input_file_gone", message, param: "input_file_id", line: null }]
  const failing: Batch = { ...batch, errors, ending: "failed", output: null, errorOutput: null }
  return batch.phase === "enqueue"
    ? { ...failing, phase: "cancel", cursor: FILE_START }
    : end(failing, "failed", now)
}
