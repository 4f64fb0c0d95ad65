import type { Batch } from "../queue/batches-contract.ts"
import type { BatchDeps, Phase } from "./deps.ts"
import { end, startWriting } from "./phases.ts"
import { requestIdOf } from "./read-line.ts"

/** Cancels what is not finished. The group after the last one that is known may have been enqueued too. */
export async function* cancelLines(deps: BatchDeps, given: Batch): Phase {
  const { batches, queue, clock } = deps
  let batch = given
  const last = Math.min(batch.total ?? 0, batch.reached + batch.groupSize)
  while (batch.cursor.requests < last) {
    const first = batch.cursor.requests
    const count = Math.min(batch.groupSize, last - first)
    const ids = Array.from({ length: count }, (_, i) => requestIdOf(batch, { index: first + i }))
    await queue.cancelAll(await batches.unfinished(ids), batch.organizationId)
    batch = { ...batch, cursor: { ...batch.cursor, requests: first + count } }
    yield batch
  }
  // Before its lines are known there is nothing to tell of them.
  const isTold = batch.ending !== "failed" && batch.total !== null
  yield isTold ? startWriting(deps, batch, batch.ending) : end(batch, batch.ending, clock())
  return null
}
