/** Workers for long-lived Node processes: `docs/workers.md`. */
export type { AIRequest, Answer, QueueHealth } from "../compose.ts"
export type { ConfigProblem } from "../core/config-variables.ts"
export { AppError, type ProblemCode } from "../core/errors.ts"
export { type RedisAddress, SettingsError, type UpstashClient } from "../core/library-settings.ts"
export type { Log } from "../core/log.ts"
export type { ErrorCode, RequestError } from "../core/outcome.ts"
export type { ChatCompletion, Target, Usage } from "../core/request.ts"
export { AIQueueWorker } from "./ai-queue-worker.ts"
export type {
  AttemptEvent,
  CompletedEvent,
  FailedEvent,
  RetriedEvent,
  WorkerEvents,
  WorkerHealth,
  WorkerProblem,
} from "./events.ts"
export type { AIQueueWorkerOptions, AnswerWithUsage, Processor, ProcessorContext } from "./options.ts"
export { startAIQueueWorkers } from "./start-workers.ts"
export type { ProviderLatency, WorkerStats } from "./statistics.ts"
