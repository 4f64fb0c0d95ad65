import type { CallFailure, CallOutcome } from "../providers/provider.ts"
import type { ClaimedRequest, TargetReport } from "../queue/contract.ts"

/** A wrong header must not stop a provider for good: asking again once an hour costs one call. */
const LONGEST_BLOCK_MS = 3_600_000
/** A shorter timeout tells of the caller's patience, not of the provider. */
const TELLING_TIMEOUT_MS = 10_000

interface Call {
  claimed: ClaimedRequest
  outcome: CallOutcome
  /** When it ended, epoch ms. */
  now: number
}

/** What a call tells of its target. `delayMs`: how long its own request would wait before it tries again. */
export function reportTarget({ claimed, outcome, now }: Call, delayMs: number): TargetReport {
  const waitMs = outcome.kind === "failed" ? blockMs(outcome.failure, delayMs) : 0
  return {
    ...claimed.target,
    health: healthAfter(outcome, claimed.head.timeoutMs),
    blockedUntil: waitMs > 0 ? now + waitMs : null,
    usedTokens: usedTokens(outcome),
    quotas: outcome.quotas ?? null,
  }
}

function healthAfter(outcome: CallOutcome, timeoutMs: number): TargetReport["health"] {
  if (outcome.kind === "answered") return "ok"
  if (outcome.kind === "aborted") return "unknown"
  const { error, scope } = outcome.failure
  if (scope === "account") return "account"
  switch (error.code) {
    case "provider_rate_limited":
      return "ok"
    case "internal":
      return "unknown"
    case "timeout":
      return timeoutMs >= TELLING_TIMEOUT_MS ? "trouble" : "unknown"
    default:
      return scope === "provider" ? "trouble" : "ok"
  }
}

/**
 * A rate limit blocks its target for as long as the answer says; where it says nothing, until this
 * request may try again, because every other one called meanwhile would only spend a retry of its
 * own. Other trouble of a provider blocks it only when the provider names a wait.
 */
function blockMs({ error, scope, retryAfterMs }: CallFailure, delayMs: number): number {
  if (scope !== "provider") return 0
  const isLimited = error.code === "provider_rate_limited"
  const askedMs = Math.ceil(retryAfterMs ?? (isLimited ? delayMs : 0))
  // At least a moment, so that its own request goes elsewhere if it can.
  return Math.min(Math.max(isLimited ? 1 : 0, askedMs), LONGEST_BLOCK_MS)
}

/** null: something may have been charged, nobody says how much. */
function usedTokens(outcome: CallOutcome): number | null {
  if (outcome.usage !== null) return outcome.usage.inputTokens + outcome.usage.outputTokens
  if (outcome.kind === "answered") return null
  const { possiblyBilled } = outcome.kind === "failed" ? outcome.failure : outcome
  return possiblyBilled ? null : 0
}
