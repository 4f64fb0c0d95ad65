import { describe, expect, test } from "vitest"
import type { ErrorCode } from "../../src/core/outcome.ts"
import type { CallFailure, CallOutcome } from "../../src/providers/provider.ts"
import type { TargetReport } from "../../src/queue/contract.ts"
import { claimedRequest } from "./claimed.ts"
import { decide, failed, NOW, told, USAGE } from "./decide.ts"

const SECOND_TARGET = { provider: "deepseek", model: "deepseek-chat" }

test("it is told of the target that was called, not of the one that was asked for", () => {
  const claimed = claimedRequest({}, { target: SECOND_TARGET })
  const { attempt, report } = decide(failed("network", { scope: "provider" }), claimed)
  expect(attempt).toMatchObject(SECOND_TARGET)
  expect(report).toEqual(told({ ...SECOND_TARGET, health: "trouble" }))
})

test.each<[ErrorCode, CallFailure["scope"], TargetReport["health"]]>([
  ["provider_auth", "account", "account"],
  ["provider_quota", "account", "account"],
  ["provider_rate_limited", "provider", "ok"],
  ["provider_overloaded", "provider", "trouble"],
  ["provider_unavailable", "provider", "trouble"],
  ["provider_unavailable", "request", "ok"],
  ["provider_invalid_response", "provider", "trouble"],
  ["provider_invalid_response", "request", "ok"],
  ["network", "provider", "trouble"],
  ["provider_rejected", "request", "ok"],
  ["result_too_large", "request", "ok"],
  ["timeout", "request", "trouble"],
  ["internal", "request", "unknown"],
])("%s of a %s: it is %s", (code, scope, health) => {
  expect(decide(failed(code, { scope })).report?.health).toBe(health)
})

test.each([
  [9999, "unknown"],
  [10_000, "trouble"],
])("a timeout of %i ms tells that it is %s", (timeoutMs, health) => {
  expect(decide(failed("timeout"), claimedRequest({ timeoutMs })).report?.health).toBe(health)
})

describe("a rate limit keeps calls away", () => {
  test.each([
    ["as long as it says", 7000, 7000],
    ["an hour at most", 30 * 86_400_000, 3_600_000],
    ["as long as its request waits, where it does not say", null, 500],
    ["for a moment, where it says at once", 0, 1],
  ])("%s", (_, retryAfterMs, ms) => {
    const { report } = decide(failed("provider_rate_limited", { scope: "provider", retryAfterMs }))
    expect(report?.blockedUntil).toBe(NOW + ms)
  })

  test("for a moment, where nobody says and its request does not wait", () => {
    const limited = failed("provider_rate_limited", { scope: "provider" })
    expect(decide(limited, claimedRequest(), () => 0).report?.blockedUntil).toBe(NOW + 1)
  })
})

test.each([
  ["used", { ...failed("network"), usage: USAGE }, 15],
  ["possibly billed", failed("network", { possiblyBilled: true }), null],
  ["not billed", failed("network"), 0],
  ["aborted before it was sent", { kind: "aborted", usage: null, possiblyBilled: false } as const, 0],
  ["aborted later", { kind: "aborted", usage: null, possiblyBilled: true } as const, null],
])("the tokens of a call, %s, are %j", (_, outcome, tokens) => {
  expect(decide(outcome).report?.usedTokens).toBe(tokens)
})

test.each<[string, CallOutcome]>([
  ["a failure", failed("network")],
  ["an abort", { kind: "aborted", usage: null, possiblyBilled: true }],
])("what the vendor told of its limits is told on with %s", (_, outcome) => {
  const quotas = { requests: { limit: 60, remaining: 7, fullAt: NOW + 1000 }, tokens: null }
  expect(decide({ ...outcome, quotas }).report?.quotas).toEqual(quotas)
})
