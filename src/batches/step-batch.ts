import { AppError } from "../core/errors.ts"
import type { Batch, BatchPhase } from "../queue/batches-contract.ts"
import { cancelLines } from "./cancel-lines.ts"
import type { BatchDeps, Phase } from "./deps.ts"
import { enqueueLines } from "./enqueue-lines.ts"
import { abandon } from "./phases.ts"
import { validate } from "./validate.ts"
import { writeFiles } from "./write-files.ts"

const PHASES: Record<BatchPhase, (deps: BatchDeps, batch: Batch) => Phase> = {
  validate,
  enqueue: enqueueLines,
  cancel: cancelLines,
  write: writeFiles,
}

/** Calls to the store between two savings, at most: reading, enqueueing or writing, and the saving. */
const CALLS_PER_SAVING = 6
/** For finding the batch, and for whoever steps it. */
const OTHER_CALLS = 8

/**
 * Takes a batch further, until about `until` (epoch ms) or as far as one invocation's calls reach. Returns when to go
 * on, epoch ms; null: it has ended, or is unknown. May be broken off anywhere, and repeated: what was saved last
 * decides. When another steps or cancels the same batch meanwhile, the one that saves second stops.
 */
export async function stepBatch(deps: BatchDeps, batchId: string, until: number): Promise<number | null> {
  const { batches, clock, config } = deps
  let savings = Math.max(1, Math.floor((config.subrequestLimit - OTHER_CALLS) / CALLS_PER_SAVING))
  let stored = await batches.find(batchId, null)
  while (stored !== null && stored.batch.phase !== null) {
    const phase = PHASES[stored.batch.phase](deps, stored.batch)
    for (;;) {
      const { value, done } = await nextOf(phase, stored.batch, clock)
      if (done) {
        if (value != null) return value
        break
      }
      stored = await batches.save(stored, value)
      if (stored === null) return clock()
      savings -= 1
      if (stored.batch.phase !== null && (savings === 0 || clock() >= until)) return clock()
    }
  }
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
