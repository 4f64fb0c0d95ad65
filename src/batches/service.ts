import type { Config } from "../core/config.ts"
import { MAX_MESSAGE_BATCH_BYTES } from "../core/contracts/batches.ts"
import { AppError } from "../core/errors.ts"
import type { Batch, NewBatch } from "../queue/batches-contract.ts"
import type { Idempotency } from "../queue/contract.ts"
import type { BatchDeps } from "./deps.ts"
import { newBatch } from "./new-batch.ts"
import { OPENAI_ENDPOINTS } from "./openai-lines.ts"
import { startCancelling } from "./phases.ts"
import { takeRequests } from "./take-requests.ts"
import { startRequests } from "./validate.ts"

/** While its body comes in. */
const INTAKE_MS = 3_600_000
const MESSAGES_ENDPOINT = "/v1/messages"
/** Others may change it at that very moment: its steps do. */
const ROUNDS = 10

export interface BatchServiceDeps extends BatchDeps {
  config: BatchDeps["config"] & Pick<Config, "maxPending" | "maxPendingPerOrganization">
}

/** A body with requests, that is read as it comes. */
interface RequestsBody {
  organizationId: string
  body: ReadableStream<Uint8Array>
  /** About its size. */
  bytes: number
  /** Of its input and its results. */
  keepSeconds: number
  keyHash: string | null
}

/** What the routes of both vendors do with batches. `http/batch-commands.ts` says what each member is. */
export function createBatchService(deps: BatchServiceDeps) {
  const { batches, files, clock, config } = deps

  /** The batch that is there then: with an idempotency key perhaps an earlier one. */
  async function store(batch: Batch, idempotency: Idempotency | null): Promise<Batch> {
    const batchId = await batches.create(batch, idempotency)
    if (batchId === batch.batchId) return batch
    const stored = await batches.find(batchId, batch.organizationId)
    if (stored === null) throw new AppError("not_found", "The batch of this Idempotency-Key was deleted.")
    return stored.batch
  }

  return {
    endpoints: OPENAI_ENDPOINTS,
    create: (asked: NewBatch, idempotency: Idempotency | null) =>
      store(newBatch("openai", asked, { batches, config, now: clock() }), idempotency),
    createFromRequests: async ({ organizationId, body, bytes, keepSeconds, keyHash }: RequestsBody) => {
      const fileId = files.newFileId()
      const until = clock() + INTAKE_MS
      const reserved = { id: fileId, bytes: Math.min(bytes, MAX_MESSAGE_BATCH_BYTES) }
      await files.reserve(organizationId, fileId, reserved.bytes, until)
      try {
        const { written, count } = await takeRequests(deps, body, fileId, until)
        const filename = "requests.jsonl"
        const file = { fileId, organizationId, filename, purpose: "batch", lifeSeconds: keepSeconds } as const
        const input = await files.finish(file, written, { reserved })
        const asked = { organizationId, endpoint: MESSAGES_ENDPOINT, inputFileId: fileId, metadata: null }
        const batch = newBatch(
          "anthropic",
          { ...asked, inputBytes: written.bytes, outputTtlSeconds: keepSeconds },
          { batches, config, now: clock() },
        )
        // What came once is not held, so two bodies are the same when they are as long and have as many requests.
        const bodyHash = `${count.toString(16)}a${written.bytes.toString(16)}`
        const idempotency = keyHash === null ? null : { organizationId, keyHash, bodyHash }
        const stored = await store(startRequests(batch, count, batch.createdAt), idempotency).catch(
          async (error: unknown) => {
            // After any other error the batch may be there, and needs it.
            if (error instanceof AppError && error.code === "idempotency_mismatch") await files.delete(input)
            throw error
          },
        )
        if (stored.inputFileId !== fileId) await files.delete(input)
        return stored
      } catch (error) {
        await files.release(organizationId, fileId, reserved.bytes).catch(() => undefined)
        throw error
      }
    },
    cancel: async (batchId: string, organizationId: string): Promise<Batch | null> => {
      for (let round = 0; round < ROUNDS; round++) {
        const stored = await batches.find(batchId, organizationId)
        if (stored === null) return null
        const batch = startCancelling(stored.batch, clock())
        if (batch === null) return stored.batch
        if (await batches.cancel(stored, batch)) return batch
      }
      throw new AppError("conflict", "The batch keeps changing; try again.", { op: "cancelBatch" })
    },
  }
}
