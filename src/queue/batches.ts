import { type Clock, type Random, systemClock } from "../core/clock.ts"
import { AppError } from "../core/errors.ts"
import { createIdGenerator, isId } from "../core/ids.ts"
import { FINISHED_STATES } from "../core/request.ts"
import type { Batch, BatchKind, BatchStore, LineOutcome, StoredBatch } from "./batches-contract.ts"
import type { Idempotency } from "./contract.ts"
import { unreadable } from "./formats.ts"
import { createKeys } from "./keys.ts"
import { readView } from "./status.ts"
import { Store, type StoreAddress } from "./store.ts"

const VERSION = "1"
const DAY_MS = 86_400_000
/** As long as its files by default. */
const BATCH_MS = 30 * DAY_MS
/** An input file is read for the first time in minutes; after a day nobody comes back to it. */
const CUSTOM_IDS_MS = DAY_MS

export const BATCH_PREFIXES: Record<BatchKind, string> = { openai: "batch_", anthropic: "msgbatch_" }

export interface BatchesOptions {
  redis: StoreAddress
  queueName: string
  clock?: Clock
  random?: Random
}

type Reply = "written" | "changed" | "mismatch" | ["known", string]

/** `batches-contract.ts` says what each method does and costs. */
export function createBatches(options: BatchesOptions): BatchStore {
  const { redis, queueName, clock = systemClock, random = Math.random } = options
  const store = new Store({ ...redis, queueName, random })
  const keys = createKeys(queueName)
  const newId = {
    openai: createIdGenerator(clock, undefined, BATCH_PREFIXES.openai),
    anthropic: createIdGenerator(clock, undefined, BATCH_PREFIXES.anthropic),
  }

  async function write(
    known: number,
    batch: Batch,
    due: "new" | "cancel" | null,
    idempotency: Idempotency | null = null,
  ): Promise<Reply> {
    const { batchId, kind, organizationId, createdAt } = batch
    const oldest = createIdGenerator(
      () => clock() - BATCH_MS,
      () => 0,
      BATCH_PREFIXES[kind],
    )()
    const [reply] = await store.run<[Reply]>("saveBatch", [
      {
        name: "advance",
        keys: [
          ...[keys.meta, keys.chores, keys.batch(batchId), keys.batches(kind, organizationId)],
          ...(idempotency === null ? [] : [keys.idempotency(organizationId, idempotency.keyHash)]),
        ],
        args: [
          ...[clock(), known, `${VERSION}|${known + 1}|${JSON.stringify(batch)}`, createdAt + BATCH_MS],
          ...[due === null ? "" : `batch|${batchId}`, due === "cancel" ? closedField(batchId) : ""],
          ...[due === "new" ? batchId : "", oldest, BATCH_MS, idempotency?.bodyHash ?? ""],
        ],
      },
    ])
    return reply
  }

  async function find(batchId: string, organizationId: string | null): Promise<StoredBatch | null> {
    // The name of another key must not pass for an id.
    if (!Object.values(BATCH_PREFIXES).some((prefix) => isId(batchId, prefix))) return null
    const [text] = await store.query<[string | null]>("findBatch", [["GET", keys.batch(batchId)]])
    const stored = text === null ? null : decodeBatch(text)
    const isTheirs = organizationId === null || stored?.batch.organizationId === organizationId
    return isTheirs ? stored : null
  }

  return {
    newBatchId: (kind) => newId[kind](),
    find,
    create: async (batch, idempotency) => {
      const reply = await write(0, batch, "new", idempotency)
      if (reply === "mismatch") {
        throw new AppError("idempotency_mismatch", "This Idempotency-Key was used with another body.")
      }
      // "changed": an earlier try has stored it, whose answer was lost, and it has been stepped since.
      return Array.isArray(reply) ? reply[1] : batch.batchId
    },
    save: async ({ revision }, batch) =>
      (await write(revision, batch, null)) === "written" ? { revision: revision + 1, batch } : null,
    cancel: async ({ revision }, batch) => (await write(revision, batch, "cancel")) === "written",
    list: async (kind, organizationId, { limit, after, before }) => {
      const index = keys.batches(kind, organizationId)
      const range = ["BYLEX", "LIMIT", 0, limit + 1]
      const [ids] = await store.query<[string[]]>("listBatches", [
        before === undefined
          ? ["ZRANGE", index, after === undefined ? "+" : `(${after}`, "-", "REV", ...range]
          : ["ZRANGE", index, `(${before}`, "+", ...range],
      ])
      const shown = ids.slice(0, limit)
      if (before !== undefined) shown.reverse()
      if (shown.length === 0) return { data: [], hasMore: false }
      const [texts] = await store.query<[(string | null)[]]>("listBatches", [
        ["MGET", ...shown.map((id) => keys.batch(id))],
      ])
      const data = texts.flatMap((text) => (text === null ? [] : decodeBatch(text).batch))
      return { data, hasMore: ids.length > limit }
    },
    delete: async ({ batchId, kind, organizationId }) => {
      await store.query("deleteBatch", [
        ["UNLINK", keys.batch(batchId), keys.customIds(batchId)],
        ["ZREM", keys.batches(kind, organizationId), batchId],
      ])
    },
    countEnded: async (batchIds) => {
      const fields = batchIds.flatMap(countFields)
      if (fields.length === 0) return []
      const [values] = await store.query<[(string | null)[]]>("countEnded", [["HMGET", keys.meta, ...fields]])
      return batchIds.map((_, i) => {
        const [completed = 0, failed = 0, cancelled = 0] = values.slice(3 * i, 3 * i + 3).map(Number)
        return { completed, failed, cancelled }
      })
    },
    forgetCounts: async (batchId) => {
      await store.query("forgetCounts", [["HDEL", keys.meta, ...countFields(batchId), closedField(batchId)]])
    },
    claimCustomIds: async (batchId, ids) => {
      const key = keys.customIds(batchId)
      const [known] = await store.query<[(string | null)[]]>("customIds", [
        ["HMGET", key, ...ids.map(({ customId }) => customId)],
      ])
      const lines = new Map<string, number>()
      const first = ids.map(({ customId, line }, i) => {
        const had = known[i] ?? null
        const earliest = lines.get(customId) ?? (had === null ? line : Number(had))
        lines.set(customId, earliest)
        return earliest
      })
      await store.query("customIds", [
        ["HSET", key, ...[...lines].flat()],
        ["PEXPIRE", key, CUSTOM_IDS_MS],
      ])
      return first
    },
    forgetCustomIds: async (batchId) => {
      await store.query("customIds", [["UNLINK", keys.customIds(batchId)]])
    },
    unfinished: async (requestIds) => {
      const [records] = await store.query<[(string | null)[]]>("unfinished", [
        ["HMGET", keys.live, ...requestIds],
      ])
      return requestIds.filter((_, i) => records[i] !== null)
    },
    outcomes: async (requestIds, maxBytes) => {
      const [texts] = await store.run<[string[]]>("outcomes", [
        {
          name: "outcomes",
          keys: [keys.live, ...requestIds.map((id) => keys.outcome(id))],
          args: [maxBytes, ...requestIds],
        },
      ])
      return texts.map((text, i) => readOutcome(requestIds[i] ?? "", text, clock()))
    },
  }
}

/** Written by `lua/include/finish.lua`. */
export function countFields(batchId: string): string[] {
  return FINISHED_STATES.map((state) => `batch:${batchId}:${state}`)
}

/** Read by `lua/enqueue.lua`. */
export function closedField(batchId: string): string {
  return `batch:${batchId}:closed`
}

export function decodeBatch(text: string): StoredBatch {
  const [, version, revision, json = ""] = /^(\d+)\|(\d+)\|(.*)$/s.exec(text) ?? []
  if (version !== VERSION) throw unreadable(`batch ${text.slice(0, 4)}`)
  return { revision: Number(revision), batch: JSON.parse(json) as Batch }
}

function readOutcome(requestId: string, text: string, now: number): LineOutcome {
  if (text === "live") return { kind: "live" }
  const status = text === "" ? null : readView(requestId, ["finished", text, []], now)
  return status === null ? { kind: "unknown" } : { kind: "finished", status }
}
