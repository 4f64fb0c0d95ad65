import type { Config } from "../core/config.ts"
import type { Batch, BatchKind, BatchStore, NewBatch } from "../queue/batches-contract.ts"
import { NO_COUNTS } from "./phases.ts"
import { FILE_START } from "./read-lines.ts"

const WINDOW_MS = 86_400_000
/** Lines that are worked on together. */
const GROUP_SIZE = 500
/** So that a group finds room where few unfinished requests are allowed. */
const SHARE_OF_ROOM = 4

/** A batch that has yet to be validated. */
export function newBatch(
  kind: BatchKind,
  asked: NewBatch,
  {
    batches,
    config,
    now,
  }: {
    batches: BatchStore
    config: Pick<Config, "maxPending" | "maxPendingPerOrganization">
    now: number
  },
): Batch {
  const room = Math.min(config.maxPending, config.maxPendingPerOrganization)
  return {
    ...asked,
    batchId: batches.newBatchId(kind),
    kind,
    ...{ status: "validating", phase: "validate", ending: "completed" },
    at: {},
    createdAt: now,
    expiresAt: now + WINDOW_MS,
    groupSize: Math.max(1, Math.min(GROUP_SIZE, Math.floor(room / SHARE_OF_ROOM))),
    cursor: FILE_START,
    total: null,
    ...{ reached: 0, enqueued: 0, errors: [], output: null, errorOutput: null },
    counts: NO_COUNTS,
    usage: {
      ...{ inputTokens: 0, cachedInputTokens: 0, cacheWriteInputTokens: 0 },
      ...{ outputTokens: 0, reasoningTokens: 0 },
    },
  }
}
