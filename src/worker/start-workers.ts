import { checkWhole } from "../core/check-whole.ts"
import { AIQueueWorker } from "./ai-queue-worker.ts"
import { openCrew } from "./crew.ts"
import type { AIQueueWorkerOptions } from "./options.ts"

const MAX_WORKERS = 100

/**
 * Starts `count` (1 to 100) workers in this process, each with its own `concurrency`. They share their look-outs, so
 * that idle they cost as much as one. Throws `SettingsError` and `invalid_request`.
 *
 * @example
 * ```ts
 * const workers = await startAIQueueWorkers(3, { concurrency: 2, maxProcessingTime: 60_000 })
 * process.once("SIGTERM", () => Promise.all(workers.map((worker) => worker.stop())))
 * ```
 */
export async function startAIQueueWorkers(
  count: number,
  options: AIQueueWorkerOptions = {},
): Promise<AIQueueWorker[]> {
  checkWhole("count", count, MAX_WORKERS)
  const crew = openCrew(options)
  const workers = Array.from({ length: count }, () => new AIQueueWorker(options, crew))
  await Promise.all(workers.map((worker) => worker.start()))
  return workers
}
