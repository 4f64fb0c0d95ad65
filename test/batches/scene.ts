import { type BatchServiceDeps, createBatchService } from "../../src/batches/service.ts"
import { type StepLimits, stepBatch } from "../../src/batches/step-batch.ts"
import { parseConfig } from "../../src/core/config.ts"
import { createBatches } from "../../src/queue/batches.ts"
import type { Batch } from "../../src/queue/batches-contract.ts"
import type { ClaimedRequest } from "../../src/queue/contract.ts"
import { createFiles } from "../../src/queue/files.ts"
import { completion, createTestQueue, settlement, type TestClock, type TestQueue } from "../helpers/queue.ts"
import type { TestStore } from "../helpers/store.ts"
import { collect } from "./collect.ts"

export const ORGANIZATION = "org-1"

export interface Scene {
  queue: TestQueue
  deps: BatchServiceDeps
  service: ReturnType<typeof createBatchService>
  /** Stores a file of these lines, and gives its id. */
  upload(lines: (object | string)[]): Promise<string>
  /** A batch over the file, as a caller asks for it. */
  start(inputFileId: string, asked?: Partial<Batch>): Promise<Batch>
  find(batchId: string): Promise<Batch>
  /** Answers up to `limit` of the requests that are in line; how many it were. */
  answer(limit?: number): Promise<number>
  /** Steps and answers in turn, until the batch has ended. */
  finish(batchId: string): Promise<Batch>
  content(fileId: string): Promise<string>
}

export const SETTINGS = {
  ADMIN_API_KEY: "the-tests-admin-key",
  ...{ OPENAI_API_KEY: "o", ANTHROPIC_API_KEY: "a", DEEPSEEK_API_KEY: "d" },
}

export interface SceneOptions {
  env?: Record<string, string>
  clock?: TestClock
  /** Of each batch. Default: a new one. */
  batchId?: string
}

const SILENT = { info: () => {}, warn: () => {}, error: () => {} }

export function createScene(store: TestStore, { env = {}, clock: given, batchId }: SceneOptions = {}): Scene {
  const queue = createTestQueue(store, given === undefined ? {} : { clock: given })
  const { clock, name } = queue
  const { config } = parseConfig({
    ...{ UPSTASH_REDIS_REST_URL: store.url, UPSTASH_REDIS_REST_TOKEN: store.token },
    ...SETTINGS,
    ...env,
  })
  if (config === null) throw new Error("bad settings")
  const { redis } = config
  const deps: BatchServiceDeps = {
    ...{ queue, config, clock, wakeLanes: async () => undefined, log: SILENT, tracing: null },
    batches: {
      ...createBatches({ redis, queueName: name, clock, random: () => 0 }),
      ...(batchId === undefined ? {} : { newBatchId: () => batchId }),
    },
    files: createFiles({ redis, queueName: name, settings: config, clock, random: () => 0 }),
  }
  const { batches, files } = deps
  const service = createBatchService(deps)

  async function find(batchId: string): Promise<Batch> {
    const stored = await batches.find(batchId, ORGANIZATION)
    if (stored === null) throw new Error("there is no such batch")
    return stored.batch
  }

  async function answer(limit = 100): Promise<number> {
    const { requests, overdue } = await queue.take({ limit })
    await queue.settle([...requests.map(answerOf), ...overdue.map((each) => settlement(each, "failed"))])
    return requests.length
  }

  return {
    ...{ queue, deps, service, find, answer },
    upload: async (lines) => {
      const fileId = files.newFileId()
      const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n")
      const until = clock() + 86_400_000
      const written = await files.append(fileId, { chunks: 0, bytes: 0 }, text, until)
      const owner = { organizationId: ORGANIZATION, filename: "in.jsonl", purpose: "batch" as const }
      await files.finish({ fileId, ...owner, lifeSeconds: 2_592_000 }, written)
      return fileId
    },
    start: async (inputFileId, asked = {}) => {
      const file = await files.find(inputFileId, ORGANIZATION)
      return service.create(
        {
          ...{ organizationId: ORGANIZATION, endpoint: "/v1/chat/completions", inputFileId, metadata: null },
          ...{ inputBytes: file?.bytes ?? 0, outputTtlSeconds: 86_400, ...asked },
        },
        null,
      )
    },
    finish: async (batchId) => {
      for (let round = 0; round < 200; round++) {
        const at = await stepBatch(deps, batchId, unlimited())
        const batch = await find(batchId)
        if (batch.phase === null) return batch
        const answered = await answer()
        if (answered === 0 && at !== null) clock.set(Math.max(at, clock()))
      }
      throw new Error("the batch does not end")
    },
    content: async (fileId) => {
      const file = await files.find(fileId, ORGANIZATION)
      if (file === null) throw new Error("there is no such file")
      return (await collect(files.readChunks(file))).join("")
    },
  }
}

export function unlimited(): StepLimits {
  return { spend: () => undefined, spare: Number.POSITIVE_INFINITY, endsAt: Number.POSITIVE_INFINITY }
}

/** What a request says is what becomes of it, so that its end does not depend on when it is called. */
function answerOf(claimed: ClaimedRequest) {
  const [{ content } = { content: "" }] = claimed.body.messages
  const text = String(content)
  if (text.startsWith("refuse")) return settlement(claimed, "failed", { code: "provider_rejected" })
  if (text.startsWith("break")) return settlement(claimed, "failed", { code: "provider_unavailable" })
  return settlement(claimed, "completed", { response: completion(`answer to ${text}`) })
}
