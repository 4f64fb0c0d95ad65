import { AppError } from "../core/errors.ts"
import type { Batch, EndedCounts, NewBatch } from "../queue/batches-contract.ts"
import type { Idempotency } from "../queue/contract.ts"
import { auditEntry } from "./audit.ts"
import type { AppContext } from "./context.ts"
import { afterAnswer, organizationOf, servicesOf } from "./resource.ts"

/** What callers do with batches, beside looking at them. They are worked through elsewhere. */
export interface BatchCommands {
  /** What OpenAI's batches can ask for. */
  readonly endpoints: string[]
  /** OpenAI's, over an input file; with an idempotency key perhaps an earlier one. Throws `idempotency_mismatch`. */
  create(asked: NewBatch, idempotency: Idempotency | null): Promise<Batch>
  /**
   * Anthropic's, from a body that is read as it comes; `bytes` is about its size. Its input and results are kept for so
   * long; `keyHash` of an idempotency key. Throws `too_large`, `malformed_json`, `invalid_request`, `idempotency_mismatch`.
   */
  createFromRequests(requests: {
    organizationId: string
    body: ReadableStream<Uint8Array>
    bytes: number
    keepSeconds: number
    keyHash: string | null
  }): Promise<Batch>
  /** The batch as it is then: one that has come too far stays as it is. null: unknown, or another organization's. */
  cancel(batchId: string, organizationId: string): Promise<Batch | null>
}

/** The caller's batch, of one vendor. Throws `not_found`. */
export async function findBatch(c: AppContext, kind: Batch["kind"]): Promise<Batch> {
  const batchId = c.req.param("batchId") ?? ""
  const stored = await servicesOf(c).batches.find(batchId, organizationOf(c))
  if (stored?.batch.kind !== kind) throw noSuchBatch()
  return stored.batch
}

/** Cancels it, and has it gone on with. Throws `not_found`. */
export async function cancelBatch(c: AppContext, kind: Batch["kind"]): Promise<Batch> {
  const { access, batchCommands, lanes } = servicesOf(c)
  const { batchId } = await findBatch(c, kind)
  const batch = await batchCommands.cancel(batchId, organizationOf(c))
  if (batch === null) throw noSuchBatch()
  if (batch.status === "cancelling") {
    await access.audit(auditEntry(c, "batch.cancelled", batchId))
    afterAnswer(c, lanes.wakeChores())
  }
  return batch
}

/**
 * Cancels a batch whose caller has left before it was told of it: it will ask anew, and would pay twice. Who gave an
 * Idempotency-Key comes back for the same.
 */
export function cancelUnheard(c: AppContext, { batchId, organizationId }: Batch): void {
  if (!c.req.raw.signal.aborted || c.req.header("Idempotency-Key") !== undefined) return
  // When the store is away, it stands in the list.
  afterAnswer(
    c,
    servicesOf(c)
      .batchCommands.cancel(batchId, organizationId)
      .catch(() => null),
  )
}

function noSuchBatch(): AppError {
  return new AppError("not_found", "No such batch is known, or its time is over.")
}

/** Of each batch how many of its lines have come to what, also while it runs. One round trip, if any. */
export async function countLines(c: AppContext, batches: Batch[]): Promise<Batch["counts"][]> {
  const running = batches.filter(({ phase }) => phase !== null)
  const counts = await servicesOf(c).batches.countEnded(running.map(({ batchId }) => batchId))
  const ended = new Map<string, EndedCounts>(running.map(({ batchId }, i) => [batchId, counts[i] ?? NONE]))
  return batches.map((batch) => {
    const soFar = ended.get(batch.batchId)
    return soFar === undefined ? batch.counts : { ...soFar, expired: 0 }
  })
}

const NONE: EndedCounts = { completed: 0, failed: 0, cancelled: 0 }
