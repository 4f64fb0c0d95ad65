import type { Batch } from "../queue/batches-contract.ts"
import { CANCEL_GROUP } from "../queue/cancel.ts"
import type { BatchDeps, Phase } from "./deps.ts"
import { end, startWriting } from "./phases.ts"
import { requestIdOf } from "./read-line.ts"

/** As many take three round trips: between two savings a step has six. */
const CANCELLED_TOGETHER = 3 * CANCEL_GROUP

/** Cancels what is not finished. The group after the last one that is known may have been enqueued too. */
export async function* cancelLines(deps: BatchDeps, given: Batch): Phase {
  const { batches, queue, clock } = deps
  let batch = given
  const last = Math.min(batch.total ?? 0, batch.reached + batch.groupSize)
  while (batch.cursor.requests < last) {
    const first = batch.cursor.requests
    const count = Math.min(batch.groupSize, last - first)
    const ids = Array.from({ length: count }, (_, i) => requestIdOf(batch, { index: first + i }))
    const unfinished = await batches.unfinished(ids)
    await queue.cancelAll(unfinished.slice(0, CANCELLED_TOGETHER), batch.organizationId)
    const next = unfinished[CANCELLED_TOGETHER]
    const seenTo = next === undefined ? count : ids.indexOf(next)
    batch = { ...batch, cursor: { ...batch.cursor, requests: first + seenTo } }
    yield batch
  }
  // Before its lines are known there is nothing to tell of them.
  const isTold = batch.ending !== "failed" && batch.total !== null
  yield isTold ? startWriting(deps, batch, batch.ending) : end(batch, batch.ending, clock())
  return null
}
