import { AppError } from "../core/errors.ts"
import type { Batch } from "../queue/batches-contract.ts"
import type { NewRequest } from "../queue/contract.ts"
import { beginTraces, reportStored } from "../queue/report.ts"
import { type BatchDeps, formatOf, openLines, type Phase } from "./deps.ts"
import { startWriting } from "./phases.ts"
import { maxLineLength, readEnvelope, readRequestOf } from "./read-line.ts"
import { groupLines, type Line } from "./read-lines.ts"

/** One batch's requests that are in the queue at a time, and about how many bytes: enough for any drain, and no file is there twice. */
const MAX_UNFINISHED = 5000
const MAX_UNFINISHED_BYTES = 64_000_000
/** Characters of one enqueue: encoded for the store they fit any command. */
const GROUP_LENGTH = 1_000_000
/** A batch is looked at again after a tenth of the time that it has run, within these bounds. */
const MIN_PAUSE_MS = 500
const MAX_PAUSE_MS = 15_000
/** While there is no room for more requests. */
const FULL_PAUSE_MS = 15_000

/**
 * Hands the lines to the queue, in groups that are the same each time: an enqueue that is repeated changes nothing.
 * Goes on when half of what is in the queue has ended.
 */
export async function* enqueueLines(deps: BatchDeps, given: Batch): Phase {
  const { batches, clock } = deps
  const [counts] = await batches.countEnded([given.batchId])
  const ended = (counts?.completed ?? 0) + (counts?.failed ?? 0) + (counts?.cancelled ?? 0)
  const isEnqueued = given.reached === given.total
  if (isEnqueued && ended >= given.enqueued) {
    yield startWriting(deps, given, "completed")
    return null
  }
  if (clock() >= given.expiresAt) {
    yield startWriting(deps, given, "expired")
    return null
  }
  if (isEnqueued || given.enqueued - ended > windowOf(given) / 2) return nextLook(given, clock())

  let batch = given
  const lines = openLines(deps, batch, maxLineLength(deps))
  for await (const group of groupLines(lines, batch.groupSize, GROUP_LENGTH)) {
    if (clock() >= batch.expiresAt) break
    const requests = readRequests(deps, batch, group)
    try {
      if (requests.length > 0) {
        beginTraces(deps.tracing, requests, "")
        const startedAt = clock()
        await deps.queue.enqueue(requests)
        reportStored(deps, requests, "", startedAt)
        await deps.wakeLanes()
      }
    } catch (error) {
      const code = error instanceof AppError ? error.code : null
      if (code === "queue_full") return clock() + FULL_PAUSE_MS
      if (code === "conflict") return clock()
      throw error
    }
    const cursor = group.at(-1)?.next ?? batch.cursor
    const enqueued = batch.enqueued + requests.length
    batch = { ...batch, cursor, reached: cursor.requests, enqueued }
    yield batch
    if (enqueued - ended >= windowOf(batch)) break
  }
  return nextLook(batch, clock())
}

/** Without those that cannot be read: they get their lines when the others' outcomes are written. */
function readRequests(deps: BatchDeps, batch: Batch, group: Line[]): NewRequest[] {
  const format = formatOf(batch)
  const now = deps.clock()
  return group.flatMap((line) => {
    const envelope = readEnvelope(line, format)
    if (envelope.problems.length > 0) return []
    return readRequestOf(line, envelope, format, { batch, deps, now }).request ?? []
  })
}

function windowOf({ inputBytes, total }: Batch): number {
  return Math.min(MAX_UNFINISHED, (MAX_UNFINISHED_BYTES * (total ?? 1)) / inputBytes)
}

function nextLook({ at, createdAt }: Batch, now: number): number {
  const runningMs = now - (at.in_progress ?? createdAt)
  return now + Math.min(Math.max(runningMs / 10, MIN_PAUSE_MS), MAX_PAUSE_MS)
}
