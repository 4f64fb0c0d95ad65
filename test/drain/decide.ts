import fc from "fast-check"
import { ERROR_CODES, type ErrorCode } from "../../src/core/outcome.ts"
import type { Usage } from "../../src/core/request.ts"
import { decideOutcome } from "../../src/drain/decide-outcome.ts"
import type { CallFailure, CallOutcome } from "../../src/providers/provider.ts"
import type { ClaimedRequest, TargetReport } from "../../src/queue/contract.ts"
import { claimedRequest } from "./claimed.ts"

export const NOW = 500_000
const SETTINGS = { retryBaseMs: 1000, retryCapMs: 60_000 }
export const USAGE: Usage = {
  inputTokens: 10,
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  outputTokens: 5,
  reasoningTokens: 0,
}

/** What an attempt comes to that ended at `NOW`. With random 0.5 the backoffs are 500, 1000, 2000, 4000 ms. */
export function decide(
  outcome: CallOutcome,
  claimed: ClaimedRequest = claimedRequest(),
  random: () => number = () => 0.5,
  isGivenBack = false,
) {
  const times = { startedAt: NOW - 700, now: NOW }
  return decideOutcome({ claimed, outcome, ...times, random, settings: SETTINGS, isGivenBack })
}

export function failed(
  code: ErrorCode,
  failure: Partial<CallFailure> & { retryable?: boolean } = {},
): CallOutcome {
  const { retryable = true, ...rest } = failure
  return {
    kind: "failed",
    usage: null,
    failure: {
      error: { code, message: `says ${code}`, retryable, status: 500 },
      scope: "request",
      retryAfterMs: null,
      providerRequestId: "vendor-1",
      possiblyBilled: false,
      partialText: null,
      ...rest,
    },
  }
}

/** What a call of a claimed request tells of its target. */
export function told(report: Partial<TargetReport> = {}): TargetReport {
  return {
    ...{
      provider: "openai",
      model: "gpt-test",
      health: "ok",
      blockedUntil: null,
      usedTokens: 0,
      quotas: null,
    },
    ...report,
  }
}

export const anyFailure = fc.record({
  code: fc.constantFrom(...ERROR_CODES),
  retryable: fc.boolean(),
  scope: fc.constantFrom("request" as const, "provider" as const, "account" as const),
  retryAfterMs: fc.option(fc.nat(200_000_000)),
})
export const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
