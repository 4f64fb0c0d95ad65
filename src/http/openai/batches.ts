import { BatchesQuery, batchBody } from "../../core/contracts/batches.ts"
import { DEFAULT_FILE_SECONDS } from "../../core/contracts/files.ts"
import { check, invalid, problem } from "../../core/contracts/problem.ts"
import { AppError } from "../../core/errors.ts"
import type { Batch, BatchStatus } from "../../queue/batches-contract.ts"
import { cancelBatch, cancelUnheard, countLines, findBatch } from "../batch-commands.ts"
import { readJson } from "../body.ts"
import type { App, AppContext } from "../context.ts"
import { naming } from "../enqueue.ts"
import { identifyBody } from "../idempotency.ts"
import { readQuery } from "../query.ts"
import { afterAnswer, organizationOf, resource, servicesOf } from "../resource.ts"
import { toSeconds } from "./file-object.ts"

/** 16 pairs of metadata, and names. */
const MAX_BYTES = 65_536
/** The input is read until the batch has ended: to the end of its window, and a while for the files. */
const INPUT_MS = 26 * 3_600_000

/** OpenAI's batches. */
export function mountBatches(app: App): void {
  resource(app, "/v1/batches", {
    POST: { scope: "enqueue", handle: postBatch },
    GET: { scope: "read", handle: listBatches },
  })
  resource(app, "/v1/batches/:batchId", {
    GET: { scope: "read", handle: async (c) => answer(c, await findBatch(c, "openai")) },
  })
  resource(app, "/v1/batches/:batchId/cancel", { POST: { scope: "cancel", handle: postCancel } })
}

async function postBatch(c: AppContext): Promise<Response> {
  const { batchCommands, files, clock, lanes } = servicesOf(c)
  const { value } = await readJson(c, MAX_BYTES)
  const organizationId = organizationOf(c)
  const read = check(batchBody(batchCommands.endpoints), value)
  if (read.value === null) throw invalid("The body", read.problems)
  const { input_file_id: inputFileId, endpoint, metadata = null, output_expires_after } = read.value
  const file = await files.find(inputFileId, organizationId)
  const refuse = (message: string) => invalid("The body", [problem(["input_file_id"], message)])
  if (file === null) throw refuse("is not the id of a file that is kept here")
  if (file.purpose !== "batch") throw refuse('must be a file with the purpose "batch"')
  if (file.expiresAt < clock() + INPUT_MS) {
    throw refuse("expires before the batch is through: upload it again, to be kept for 26 hours or more")
  }
  const outputTtlSeconds = output_expires_after?.seconds ?? DEFAULT_FILE_SECONDS
  const asked = { organizationId, endpoint, inputFileId, inputBytes: file.bytes, metadata, outputTtlSeconds }
  const idempotency = await identifyBody(c, organizationId, read.value)
  const batch = await naming({ inputFileId }, () => batchCommands.create(asked, idempotency))
  cancelUnheard(c, batch)
  afterAnswer(c, lanes.wakeChores())
  return answer(c, batch)
}

async function listBatches(c: AppContext): Promise<Response> {
  const { limit, after } = readQuery(c, BatchesQuery)
  const page = { limit, ...(after === undefined ? {} : { after }) }
  const { data, hasMore } = await servicesOf(c).batches.list("openai", organizationOf(c), page)
  const counts = await countLines(c, data)
  return c.json({
    object: "list",
    data: data.map((batch, i) => toBatchObject(batch, counts[i] ?? batch.counts)),
    first_id: data[0]?.batchId ?? null,
    last_id: data.at(-1)?.batchId ?? null,
    has_more: hasMore,
  })
}

async function postCancel(c: AppContext): Promise<Response> {
  const batch = await cancelBatch(c, "openai")
  if (["completed", "failed", "expired"].includes(batch.status)) {
    throw new AppError("conflict", `The batch cannot be cancelled: it is ${batch.status}.`)
  }
  return answer(c, batch)
}

async function answer(c: AppContext, batch: Batch): Promise<Response> {
  const [counts = batch.counts] = await countLines(c, [batch])
  return c.json(toBatchObject(batch, counts))
}

/** A batch as OpenAI's clients know it; its times are in seconds. Its files are named when they are whole. */
function toBatchObject(batch: Batch, counts: Batch["counts"]) {
  const { at, total, usage, phase, output, errorOutput, errors } = batch
  const time = (status: BatchStatus) => {
    const instant = at[status]
    return instant === undefined ? null : toSeconds(instant)
  }
  return {
    id: batch.batchId,
    object: "batch",
    endpoint: batch.endpoint,
    errors: errors.length === 0 ? null : { object: "list", data: errors },
    input_file_id: batch.inputFileId,
    completion_window: "24h",
    status: batch.status,
    output_file_id: phase === null ? (output?.fileId ?? null) : null,
    error_file_id: phase === null ? (errorOutput?.fileId ?? null) : null,
    created_at: toSeconds(batch.createdAt),
    in_progress_at: time("in_progress"),
    expires_at: toSeconds(batch.expiresAt),
    finalizing_at: time("finalizing"),
    completed_at: time("completed"),
    failed_at: time("failed"),
    expired_at: time("expired"),
    cancelling_at: time("cancelling"),
    cancelled_at: time("cancelled"),
    request_counts: {
      total: total ?? 0,
      completed: counts.completed,
      failed: counts.failed + counts.expired,
    },
    usage: {
      input_tokens: usage.inputTokens,
      input_tokens_details: { cached_tokens: usage.cachedInputTokens },
      output_tokens: usage.outputTokens,
      output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
      total_tokens: usage.inputTokens + usage.outputTokens,
    },
    metadata: batch.metadata,
  }
}
