/** The queue as a library: `docs/library.md`. */
export type { QueueStats, StatusReply } from "../compose.ts"
export type { ConfigProblem } from "../core/config.ts"
export { AppError, type FieldProblem, type ProblemCode } from "../core/errors.ts"
export type { AttemptRecord, ErrorCode, RequestError, RequestStatus } from "../core/outcome.ts"
export type {
  ChatCompletion,
  ChatMessage,
  FinishedState,
  Priority,
  RequestState,
  Target,
  Usage,
} from "../core/request.ts"
export type { AIRequest } from "./ai-request.ts"
export { AIRequestQueue } from "./ai-request-queue.ts"
export type { Answer } from "./answer.ts"
export { NotLeasedError, SettingsError, WaitTimeoutError } from "./errors.ts"
export type { FailureReport } from "./failure.ts"
export type { AttemptOf } from "./held.ts"
export type { EnqueueOptions, NewAIRequest, RequestOptions } from "./new-request.ts"
export type { AIRequestQueueOptions, RedisAddress, UpstashClient } from "./settings.ts"
export type { WaitOptions } from "./wait-for.ts"
