import { AppError } from "../core/errors.ts"
import type { Batch, BatchPhase, StoredBatch } from "../queue/batches-contract.ts"
import { cancelLines } from "./cancel-lines.ts"
import type { BatchDeps, Phase } from "./deps.ts"
import { enqueueLines } from "./enqueue-lines.ts"
import { abandon } from "./phases.ts"
import { validate } from "./validate.ts"
import { writeFiles } from "./write-files.ts"

/** How far one step may go. */
export interface StepLimits {
  spend(subrequests: number): void
  /** Subrequests that are left. */
  readonly spare: number
  /** Epoch ms. */
  readonly endsAt: number
}

const PHASES: Record<BatchPhase, (deps: BatchDeps, batch: Batch) => Phase> = {
  validate,
  enqueue: enqueueLines,
  cancel: cancelLines,
  write: writeFiles,
}

/** Between two savings at most: reading, enqueueing or writing, waking lanes, and the saving. */
const TRIPS_PER_SAVING = 6
/** Others' chores wait, so nobody goes on for longer. */
const STEP_MS = 20_000
/** After its end nobody is left who could still count or enqueue for it. */
const LINGER_MS = 600_000

/**
 * Takes a batch further. Returns when to go on, epoch ms; null: there is nothing left to do. May be broken off anywhere,
 * and repeated: what was saved last decides. When another steps or cancels the same batch meanwhile, the one that saves
 * second stops.
 */
export async function stepBatch(
  deps: BatchDeps,
  batchId: string,
  limits: StepLimits,
): Promise<number | null> {
  const { batches, clock } = deps
  const endsAt = Math.min(limits.endsAt, clock() + STEP_MS)
  limits.spend(1)
  let stored = await batches.find(batchId, null)
  while (stored !== null && stored.batch.phase !== null) {
    const phase = PHASES[stored.batch.phase](deps, stored.batch)
    for (;;) {
      if (limits.spare < TRIPS_PER_SAVING || clock() >= endsAt) return clock()
      // Beforehand: others spend from the same meanwhile.
      limits.spend(TRIPS_PER_SAVING)
      const { value, done } = await nextOf(phase, stored.batch, clock)
      if (done) {
        if (value != null) return value
        break
      }
      stored = await batches.save(stored, value)
      if (stored === null) return clock()
    }
  }
  return forget(deps, batchId, stored)
}

async function forget(
  { batches, clock }: BatchDeps,
  batchId: string,
  stored: StoredBatch | null,
): Promise<number | null> {
  const endedAt = stored === null ? 0 : (stored.batch.at[stored.batch.status] ?? 0)
  if (clock() < endedAt + LINGER_MS) return endedAt + LINGER_MS
  await batches.forgetCounts(batchId)
  return null
}

/** The phase's next step; without the input file the batch is given up. */
async function nextOf(
  phase: Phase,
  batch: Batch,
  clock: BatchDeps["clock"],
): Promise<IteratorResult<Batch, number | null | undefined>> {
  try {
    return await phase.next()
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "not_found") throw error
    return { value: abandon(batch, clock()), done: false }
  }
}
