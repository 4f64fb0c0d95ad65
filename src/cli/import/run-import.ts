import { setTimeout as sleep } from "node:timers/promises"
import {
  type AIRequestQueueClient,
  AIRequestQueueError,
  type EnqueuedRequest,
  type NewRequest,
} from "../../client/client.ts"
import { Interrupted, UsageError } from "../exit.ts"
import { type Batch, readBatches } from "./batches.ts"
import { type Progress, progressPath, START, writeProgress } from "./progress-file.ts"

/** What was on its way longer ago may have been forgotten: the queue remembers idempotency keys for 24 h. */
const REMEMBERED_MS = 23 * 3_600_000
const SHORTEST_PAUSE_MS = 1000

export interface ImportOptions {
  file: string
  client: AIRequestQueueClient
  defaults: Partial<NewRequest>
  settings: Record<string, unknown>
  /** Stops after what is on its way. */
  signal: AbortSignal
  onEnqueued(requests: { line: number; request: EnqueuedRequest }[]): void
  /** The queue takes no more now; null: it does again. */
  onHeldUp(error: AIRequestQueueError | null): void
}

export function newProgress(settings: Record<string, unknown>, run: string): Progress {
  return { version: 1, run, settings, done: START, sending: null, isComplete: false }
}

/**
 * Enqueues what `progress` does not have yet. Each batch is noted before it is sent and taken off when it is
 * answered, so wherever this ends, it goes on from there: what was on its way is sent again under the same key.
 */
export async function runImport(options: ImportOptions, from: Progress): Promise<Progress> {
  const { file, defaults, signal } = options
  let progress = from
  const { done, sending, run } = progress
  checkAge(file, sending)
  const batches = readBatches(file, { run, defaults, from: done, firstEnd: sending?.lines ?? null })
  for await (const batch of batches) {
    if (signal.aborted) {
      writeProgress(file, progress)
      throw new Interrupted("interrupted")
    }
    progress = { ...progress, sending: { ...batch.mark, at: progress.sending?.at ?? Date.now() } }
    writeProgress(file, progress)
    try {
      const enqueued = batch.requests.length === 0 ? [] : await send(options, batch)
      options.onEnqueued(enqueued.map((request, i) => ({ line: batch.numbers[i] ?? 0, request })))
    } catch (error) {
      if (isCertain(error)) writeProgress(file, { ...progress, sending: null })
      if (signal.aborted) throw new Interrupted("interrupted")
      throw error instanceof AIRequestQueueError ? tellLine(error, file, batch) : error
    }
    progress = { ...progress, done: batch.mark, sending: null }
  }
  progress = { ...progress, isComplete: true }
  writeProgress(file, progress)
  return progress
}

/** A queue that is full, or a key that is over its rate, is waited for: nothing of the batch was stored. */
async function send({ client, signal, onHeldUp }: ImportOptions, batch: Batch): Promise<EnqueuedRequest[]> {
  for (;;) {
    try {
      const enqueued = await client.enqueueMany(batch.requests, { idempotencyKey: batch.idempotencyKey })
      onHeldUp(null)
      return enqueued
    } catch (error) {
      if (!(error instanceof AIRequestQueueError) || error.status !== 429) throw error
      onHeldUp(error)
      const pauseMs = Math.max(error.retryAfterMs ?? 0, SHORTEST_PAUSE_MS)
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) throw error
    }
  }
}

/** The batch was not stored, and may be changed. */
function isCertain(error: unknown): boolean {
  return error instanceof AIRequestQueueError && !error.maybeStored
}

function checkAge(file: string, sending: Progress["sending"]): void {
  if (sending === null || Date.now() - sending.at < REMEMBERED_MS) return
  throw new UsageError(
    `The lines up to ${sending.lines} were on their way when the last import ended, and it is too long ago to tell ` +
      `whether they were stored. Look with \`list\`, then run again with --uncertain send or --uncertain skip. ` +
      `(${progressPath(file)})`,
  )
}

/** Paths into the bulk become lines of the file. */
function tellLine(error: AIRequestQueueError, file: string, { numbers }: Batch): AIRequestQueueError {
  const lines = error.errors.map(({ path, message }) => {
    const [, i = "", rest = ""] = /^\/requests\/(\d+)(.*)$/.exec(path) ?? []
    return { path: numbers[Number(i)] === undefined ? path : `line ${numbers[Number(i)]}: ${rest}`, message }
  })
  const [first] = lines
  const detail = first === undefined ? error.detail : `${file}, ${first.path} ${first.message}.`
  return new AIRequestQueueError(error.code, detail, { ...error, cause: error.cause, errors: lines })
}
