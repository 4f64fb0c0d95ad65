/** The queue as a library: `docs/library.md`. */
export type { AIRequest, Answer, FailureReport, QueueStats, StatusReply } from "../compose.ts"
export type { ConfigProblem } from "../core/config.ts"
export { AppError, type FieldProblem, type ProblemCode } from "../core/errors.ts"
export type { AIRequestQueueOptions, RedisAddress, UpstashClient } from "../core/library-settings.ts"
export { SettingsError } from "../core/library-settings.ts"
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
export type { AskedRequest as NewAIRequest, RequestOptions } from "../core/request-options.ts"
export { AIRequestQueue } from "./ai-request-queue.ts"
export { NotLeasedError, WaitTimeoutError } from "./errors.ts"
export type { AttemptOf } from "./held.ts"
export type { EnqueueOptions } from "./new-request.ts"
export type { WaitOptions } from "./wait-for.ts"
