import type { Config } from "../core/config.ts"
import { AppError } from "../core/errors.ts"
import type { DialectRules } from "../dialects/rules.ts"
import type { Batch, BatchStore } from "../queue/batches-contract.ts"
import type { RequestQueue } from "../queue/contract.ts"
import type { FileStore } from "../queue/files-contract.ts"
import type { ReportDeps } from "../queue/report.ts"
import { anthropicLines } from "./anthropic-lines.ts"
import type { LineFormat } from "./line-format.ts"
import { openAiLines } from "./openai-lines.ts"
import { type Line, readLines } from "./read-lines.ts"

/** What batches are worked through with. */
export interface BatchDeps extends ReportDeps {
  queue: Pick<RequestQueue, "enqueue" | "cancelAll">
  batches: BatchStore
  files: FileStore
  /** Something new can be claimed. */
  wakeLanes: () => Promise<void>
  config: DialectRules["config"] & Pick<Config, "maxRequestBytes">
}

/**
 * A part of a batch's way. Yields the batch each time that it has come further, to be stored before it goes on: what it
 * does in between can be repeated. Returns when to go on, epoch ms; null: at once, with what was stored last.
 */
export type Phase = AsyncGenerator<Batch, number | null, void>

export function formatOf({ kind, endpoint }: Batch): LineFormat {
  return kind === "openai" ? openAiLines(endpoint) : anthropicLines
}

/** The lines that a phase has not come to. Throws `not_found` when the input file is gone. */
export async function* openLines(
  { files }: BatchDeps,
  { inputFileId, organizationId, cursor }: Batch,
  maxLength: number,
): AsyncGenerator<Line, void> {
  const file = await files.find(inputFileId, organizationId)
  if (file === null) throw new AppError("not_found", "The input file is gone.", { op: "batch" })
  yield* readLines(files.readChunks(file, cursor.chunk), cursor, maxLength)
}
