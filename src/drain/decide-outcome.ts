import type { Random } from "../core/clock.ts"
import type { Config } from "../core/config.ts"
import type { AttemptRecord, OutcomeResult, RequestError } from "../core/outcome.ts"
import type { ChatCompletion, RequestHead } from "../core/request.ts"
import type { CallFailure, CallOutcome } from "../providers/provider.ts"
import type { ClaimedRequest, Decision, Lease, Overdue, Settlement, TargetReport } from "../queue/contract.ts"
import { reportTarget } from "./report-target.ts"

/** A wrong header must not put off a request for good; daily limits do say a day. */
const LONGEST_WAIT_MS = 86_400_000
/** Three timeouts are three bills. */
const TIMEOUTS_PER_TARGET = 2

interface DecisionInput {
  claimed: ClaimedRequest
  outcome: CallOutcome
  /** When the call held its connection slot, epoch ms. */
  startedAt: number
  now: number
  random: Random
  settings: Pick<Config, "retryBaseMs" | "retryCapMs">
  /** Whoever aborted the call still held the lease. */
  isGivenBack?: boolean
}

export type DecidedOutcome = Omit<Settlement, "lease">

/**
 * What an attempt comes to: a settlement without its lease. Pure: time and randomness come in.
 *
 * A retryable error is retried after max(the server's wait, full jitter of base·2^retries up to the
 * cap), at most `maxRetries` times, a timeout once per target. Where another target may take over, it
 * does so at once: in a provider's trouble, even one that it calls lasting, after a target's last
 * timeout, and rather than wait beyond the deadline.
 * A retry that would be due at or after the request's deadline fails it now with `deadline_exceeded`,
 * whose message names the last error; the attempt in the history keeps its own. An account error is
 * nobody's request: it goes back to its line uncounted. An aborted call is only noted, since the
 * lease was lost before it was aborted; one that its own drain breaks off goes back to its line uncounted.
 */
export function decideOutcome(input: DecisionInput): DecidedOutcome {
  const { outcome } = input
  switch (outcome.kind) {
    case "answered":
      return {
        decision: { kind: "completed" },
        attempt: record(input, {
          result: "completed",
          error: null,
          status: outcome.status,
          providerRequestId: outcome.providerRequestId,
          possiblyBilled: false,
        }),
        result: { response: outcome.response, usage: outcome.usage, error: null },
        report: reportTarget(input, 0),
      }
    case "aborted":
      return decideAborted(input, outcome)
    case "failed":
      return decideFailure(input, outcome.failure, outcome.usage)
  }
}

function decideAborted(
  input: DecisionInput,
  { usage, possiblyBilled }: Extract<CallOutcome, { kind: "aborted" }>,
): DecidedOutcome {
  const isGivenBack = input.isGivenBack === true
  const error = isGivenBack ? BROKEN_OFF : null
  return {
    decision: { kind: isGivenBack ? "return" : "note" },
    attempt: record(input, {
      result: isGivenBack ? "lease_expired" : "cancelled",
      ...{ error, possiblyBilled, status: null, providerRequestId: null },
    }),
    result: { response: null, usage, error },
    report: reportTarget(input, 0),
  }
}

const BROKEN_OFF: RequestError = {
  code: "lease_expired",
  message: "The worker that held this request was stopped before its answer came.",
  retryable: true,
  status: null,
}

function decideFailure(
  input: DecisionInput,
  failure: CallFailure,
  usage: OutcomeResult["usage"],
): DecidedOutcome {
  const { claimed } = input
  const serverWaitMs = Math.min(Math.ceil(failure.retryAfterMs ?? 0), LONGEST_WAIT_MS)
  const delayMs = Math.max(serverWaitMs, backoffMs(claimed.retries, input))
  const report = reportTarget(input, delayMs)
  const { decision, error } = afterFailure(input, failure, report.health, delayMs)
  return {
    decision,
    attempt: record(input, {
      result: decision.kind === "failed" ? "failed" : "retry",
      error: failure.error,
      status: failure.error.status,
      providerRequestId: failure.providerRequestId,
      possiblyBilled: failure.possiblyBilled,
    }),
    result: { response: partialResponse(input, failure, usage), usage, error },
    report,
  }
}

/** `error` is what the request shows: the attempt's own, unless the deadline has the last word. */
function afterFailure(
  { claimed, now }: DecisionInput,
  { error, scope }: CallFailure,
  health: TargetReport["health"],
  delayMs: number,
): { decision: Decision; error: RequestError } {
  const { head, hasAlternative, retries, timeouts } = claimed
  const tooLate = { decision: { kind: "failed" }, error: deadlineExceeded(error) } as const
  if (scope === "account") {
    return isPastDeadline(head, now) ? tooLate : { decision: { kind: "return" }, error }
  }
  const isUsedUp = error.code === "timeout" && timeouts + 1 >= TIMEOUTS_PER_TARGET
  const cannotWait = health === "trouble" && isPastDeadline(head, now + delayMs)
  const failsOver = hasAlternative && (scope === "provider" || isUsedUp || cannotWait)
  const mayGoOn = failsOver || (error.retryable && !isUsedUp)
  if (!mayGoOn || retries >= head.maxRetries) return { decision: { kind: "failed" }, error }
  const dueAt = failsOver ? now : now + delayMs
  return isPastDeadline(head, dueAt) ? tooLate : { decision: { kind: "retry", dueAt }, error }
}

/** Full jitter: anything from 0 to base·2^retries ms, up to the cap. Clients that failed together do not come back together. */
function backoffMs(retries: number, { random, settings }: DecisionInput): number {
  const longest = Math.min(settings.retryCapMs, settings.retryBaseMs * 2 ** retries)
  return Math.floor(random() * (longest + 1))
}

/** The beginning of an answer that was too long to keep, in the shape of an answer. */
function partialResponse(
  { claimed, startedAt }: DecisionInput,
  { partialText, providerRequestId }: CallFailure,
  usage: OutcomeResult["usage"],
): ChatCompletion | null {
  if (partialText === null) return null
  const promptTokens = usage?.inputTokens ?? 0
  const completionTokens = usage?.outputTokens ?? 0
  return {
    id: providerRequestId ?? claimed.head.requestId,
    object: "chat.completion",
    created: Math.floor(startedAt / 1000),
    model: claimed.target.model,
    choices: [{ index: 0, message: { role: "assistant", content: partialText }, finish_reason: "length" }],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
  }
}

function record(
  { claimed, startedAt, now }: DecisionInput,
  end: Pick<AttemptRecord, "result" | "error" | "status" | "providerRequestId" | "possiblyBilled">,
): AttemptRecord {
  return { number: claimed.lease.attempt, ...claimed.target, startedAt, finishedAt: now, ...end }
}

/** The settlement of a request that must end without another call. */
export function settleOverdue({ lease, reason }: Overdue): Settlement {
  const error: RequestError =
    reason === "deadline_exceeded"
      ? deadlineExceeded(null)
      : {
          code: "lease_expired",
          message: "The workers that held this request were lost too often.",
          retryable: false,
          status: null,
        }
  return {
    lease,
    decision: { kind: "failed" },
    attempt: null,
    result: { response: null, usage: null, error },
    report: null,
  }
}

/** As if it had never been claimed. */
export function handBack(lease: Lease): Settlement {
  return {
    lease,
    decision: { kind: "release" },
    attempt: null,
    result: { response: null, usage: null, error: null },
    report: null,
  }
}

/** Whether a call may no longer be started at that instant. */
export function isPastDeadline(head: RequestHead, at: number): boolean {
  return head.deadlineAt !== null && head.deadlineAt <= at
}

function deadlineExceeded(last: RequestError | null): RequestError {
  const message =
    last === null
      ? "The deadline passed before the request could be called."
      : `The deadline leaves no time for a retry. The last error was ${last.code}: ${last.message}`
  return { code: "deadline_exceeded", message, retryable: false, status: last?.status ?? null }
}
