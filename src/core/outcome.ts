import type { ChatCompletion, FinishedState, RequestHead, RequestState, Usage } from "./request.ts"

export const ERROR_CODES = [
  "provider_rejected",
  "provider_auth",
  "provider_quota",
  "provider_rate_limited",
  "provider_unavailable",
  "provider_overloaded",
  "provider_invalid_response",
  "timeout",
  "network",
  "deadline_exceeded",
  "lease_expired",
  "result_too_large",
  "internal",
] as const
export type ErrorCode = (typeof ERROR_CODES)[number]

/** Why an attempt, and in the end a request, failed; as users see it. */
export interface RequestError {
  code: ErrorCode
  message: string
  retryable: boolean
  /** The provider's HTTP status, where there was an answer. */
  status: number | null
}

type AttemptResult = "completed" | "retry" | "failed" | "cancelled" | "lease_expired"

/** One try at a provider, as the history keeps it. */
export interface AttemptRecord {
  number: number
  provider: string
  model: string
  startedAt: number
  finishedAt: number
  result: AttemptResult
  error: RequestError | null
  status: number | null
  providerRequestId: string | null
  /** The provider may have charged for it although no answer was kept. */
  possiblyBilled: boolean
}

/** What a provider's answer came to; kept as the last part of `outcome:<id>`. */
export interface OutcomeResult {
  response: ChatCompletion | null
  usage: Usage | null
  error: RequestError | null
}

/** The whole story of one request, as `GET /v1/requests/{requestId}` answers it. */
export interface RequestStatus extends RequestHead {
  state: RequestState
  /** 1-based place in its line; null unless pending. */
  position: number | null
  /** When it can be expected to start, epoch ms; null unless pending, and without a recent start in its line. */
  estimatedStartAt: { p50: number; p90: number } | null
  replays: number
  /** The latest attempt's start. */
  startedAt: number | null
  finishedAt: number | null
  attempts: AttemptRecord[]
  response: ChatCompletion | null
  usage: Usage | null
  costUsd: number | null
  error: RequestError | null
}

export function isFinished(state: RequestState): state is FinishedState {
  return state === "completed" || state === "failed" || state === "cancelled"
}
