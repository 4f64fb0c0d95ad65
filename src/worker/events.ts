import type { EventEmitter } from "node:events"
import type { QueueHealth, Settlement } from "../compose.ts"
import type { RequestError } from "../core/outcome.ts"
import type { ChatCompletion, Usage } from "../core/request.ts"
import type { WorkerStats } from "./statistics.ts"

/** An attempt of this worker that the queue has recorded. */
export interface AttemptEvent {
  requestId: string
  organizationId: string
  attempt: number
  /** Whom was called; null: the request ended without a call, past its deadline or lost too often. */
  provider: string | null
  model: string | null
  /** Of the call; null without one. */
  durationMs: number | null
}

export interface CompletedEvent extends AttemptEvent {
  response: ChatCompletion
  usage: Usage | null
}

export interface FailedEvent extends AttemptEvent {
  error: RequestError
}

export interface RetriedEvent extends FailedEvent {
  /** When it is tried again, epoch ms. */
  dueAt: number
}

/** Trouble of the worker's own, such as a store that does not answer. It goes on. */
export interface WorkerProblem {
  /** `store_unavailable`, `store_full`, `internal`, or `answer_lost`: the store stayed away until the worker had to stop. */
  code: string
}

export interface WorkerHealth {
  /** The worker's name, with its number where there are several. */
  name: string
  checkedAt: number
  /** Of the queue, and of the store: `down` when it does not answer. */
  queue: QueueHealth
  stats: WorkerStats
}

/** The events of a worker, by name. */
export interface WorkerEvents {
  completed: [CompletedEvent]
  failed: [FailedEvent]
  retried: [RetriedEvent]
  error: [WorkerProblem]
  /** Nothing is in work, and nothing was there to be claimed. */
  idle: []
  health: [WorkerHealth]
}

/** Tells of a settlement that the queue took as decided, unless it only gave the request back. */
export function emitSettled(emitter: EventEmitter<WorkerEvents>, settlement: Settlement): void {
  const { lease, decision, attempt, result } = settlement
  const { response, usage, error } = result
  const event: AttemptEvent = {
    ...{ requestId: lease.requestId, organizationId: lease.organizationId, attempt: lease.attempt },
    ...{ provider: attempt?.provider ?? null, model: attempt?.model ?? null },
    durationMs: attempt === null ? null : attempt.finishedAt - attempt.startedAt,
  }
  if (decision.kind === "completed" && response !== null) {
    emitter.emit("completed", { ...event, response, usage })
  }
  if (error === null) return
  if (decision.kind === "failed") emitter.emit("failed", { ...event, error })
  if (decision.kind === "retry") emitter.emit("retried", { ...event, error, dueAt: decision.dueAt })
}
