import { MAX_MESSAGE_BATCH_BYTES, MessageBatchesQuery } from "../../core/contracts/batches.ts"
import { invalid, problem } from "../../core/contracts/problem.ts"
import { AppError } from "../../core/errors.ts"
import type { Batch } from "../../queue/batches-contract.ts"
import { cancelBatch, cancelUnheard, findBatch } from "../batch-commands.ts"
import { checkJsonType } from "../body.ts"
import type { App, AppContext } from "../context.ts"
import { naming } from "../enqueue.ts"
import { hashIdempotencyKey } from "../idempotency.ts"
import { readQuery } from "../query.ts"
import { afterAnswer, organizationOf, outlivingCaller, resource, servicesOf } from "../resource.ts"
import { streamText } from "../stream-text.ts"

/** As long as Anthropic keeps results. */
const KEEP_SECONDS = 29 * 86_400

/** Anthropic's message batches. */
export function mountMessageBatches(app: App): void {
  resource(app, "/v1/messages/batches", {
    POST: { scope: "enqueue", handle: postBatch },
    GET: { scope: "read", handle: listBatches },
  })
  resource(app, "/v1/messages/batches/:batchId", {
    GET: { scope: "read", handle: async (c) => answer(c, await findBatch(c, "anthropic")) },
    DELETE: { scope: "enqueue", handle: deleteBatch },
  })
  resource(app, "/v1/messages/batches/:batchId/cancel", {
    POST: { scope: "cancel", handle: async (c) => answer(c, await cancelBatch(c, "anthropic")) },
  })
  resource(app, "/v1/messages/batches/:batchId/results", { GET: { scope: "read", handle: readResults } })
}

async function postBatch(c: AppContext): Promise<Response> {
  const { batchCommands, lanes } = servicesOf(c)
  checkJsonType(c)
  const { body } = c.req.raw
  // Where its length is not told, as much room as it may need.
  const bytes = Number(c.req.header("Content-Length") ?? MAX_MESSAGE_BATCH_BYTES)
  if (bytes > MAX_MESSAGE_BATCH_BYTES)
    throw new AppError("too_large", `A batch may have at most ${MAX_MESSAGE_BATCH_BYTES} bytes.`)
  if (body === null) throw new AppError("malformed_json", "The body is not valid JSON: there is none.")
  const organizationId = organizationOf(c)
  const keyHash = await hashIdempotencyKey(c)
  const asked = { organizationId, body, bytes, keepSeconds: KEEP_SECONDS, keyHash }
  const batch = await naming({}, () => outlivingCaller(c, batchCommands.createFromRequests(asked)))
  cancelUnheard(c, batch)
  afterAnswer(c, lanes.wakeChores())
  return answer(c, batch)
}

async function listBatches(c: AppContext): Promise<Response> {
  const { limit, before_id: before, after_id: after } = readQuery(c, MessageBatchesQuery)
  if (before !== undefined && after !== undefined) {
    throw invalid("The query", [problem(["before_id"], "and after_id exclude each other")])
  }
  const page = {
    limit,
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
  }
  const { data, hasMore } = await servicesOf(c).batches.list("anthropic", organizationOf(c), page)
  return c.json({
    data: data.map((batch) => toMessageBatch(c, batch)),
    has_more: hasMore,
    first_id: data[0]?.batchId ?? null,
    last_id: data.at(-1)?.batchId ?? null,
  })
}

async function deleteBatch(c: AppContext): Promise<Response> {
  const { batches, files } = servicesOf(c)
  const batch = await findBatch(c, "anthropic")
  if (batch.phase !== null) {
    throw new AppError("conflict", "The batch is still being processed: cancel it, and wait for its end.")
  }
  for (const fileId of [batch.inputFileId, batch.output?.fileId ?? ""]) {
    const file = await files.find(fileId, batch.organizationId)
    if (file !== null) await files.delete(file)
  }
  await batches.delete(batch)
  return c.json({ id: batch.batchId, type: "message_batch_deleted" })
}

async function readResults(c: AppContext): Promise<Response> {
  const { files } = servicesOf(c)
  const batch = await findBatch(c, "anthropic")
  if (batch.phase !== null) {
    throw new AppError("not_found", "There are no results yet: the batch is still being processed.")
  }
  const file = batch.output && (await files.find(batch.output.fileId, batch.organizationId))
  if (file === null) throw new AppError("not_found", "The results are not kept any more.")
  return c.body(streamText(files.readChunks(file)), 200, { "Content-Type": "application/x-jsonl" })
}

function answer(c: AppContext, batch: Batch): Response {
  return c.json(toMessageBatch(c, batch))
}

/** A batch as Anthropic's clients know it. It counts all as processing until it has ended, as Anthropic does. */
function toMessageBatch(c: AppContext, batch: Batch) {
  const { batchId, phase, status, at, total, counts } = batch
  const hasEnded = phase === null
  const endedAt = hasEnded ? at[status] : undefined
  return {
    id: batchId,
    type: "message_batch",
    processing_status: hasEnded ? "ended" : status === "cancelling" ? "canceling" : "in_progress",
    request_counts: {
      processing: hasEnded ? 0 : (total ?? 0),
      succeeded: hasEnded ? counts.completed : 0,
      errored: hasEnded ? counts.failed : 0,
      canceled: hasEnded ? counts.cancelled : 0,
      expired: hasEnded ? counts.expired : 0,
    },
    created_at: toTimestamp(batch.createdAt),
    expires_at: toTimestamp(batch.expiresAt),
    ended_at: endedAt === undefined ? null : toTimestamp(endedAt),
    cancel_initiated_at: at.cancelling === undefined ? null : toTimestamp(at.cancelling),
    archived_at: null,
    results_url:
      hasEnded && batch.output !== null
        ? new URL(`/v1/messages/batches/${batchId}/results`, c.req.url).href
        : null,
  }
}

function toTimestamp(at: number): string {
  return new Date(at).toISOString()
}
