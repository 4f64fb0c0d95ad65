import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { ChatCompletion } from "../../src/core/request.ts"
import { settleOverdue } from "../../src/drain/decide-outcome.ts"
import type { CallOutcome } from "../../src/providers/provider.ts"
import type { ClaimedRequest } from "../../src/queue/contract.ts"
import { claimedRequest } from "./claimed.ts"
import { anyFailure, anyRandom, decide, failed, NOW, told, USAGE } from "./decide.ts"

const ANSWER: ChatCompletion = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "gpt-test",
  choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
}

describe("an answer", () => {
  test("completes the request and keeps answer, usage and the vendor's id", () => {
    const decided = decide(
      { kind: "answered", response: ANSWER, usage: USAGE, status: 200, providerRequestId: "vendor-2" },
      claimedRequest({}, { lease: { ...claimedRequest().lease, attempt: 4 } }),
    )
    expect(decided).toEqual({
      decision: { kind: "completed" },
      attempt: {
        number: 4,
        provider: "openai",
        model: "gpt-test",
        startedAt: NOW - 700,
        finishedAt: NOW,
        result: "completed",
        error: null,
        status: 200,
        providerRequestId: "vendor-2",
        possiblyBilled: false,
      },
      result: { response: ANSWER, usage: USAGE, error: null },
      report: told({ usedTokens: 15 }),
    })
  })

  test("counts although the deadline passed while it came", () => {
    const answered = { response: ANSWER, usage: USAGE, status: 200, providerRequestId: null }
    const decided = decide({ kind: "answered", ...answered }, claimedRequest({ deadlineAt: NOW - 1 }))
    expect(decided.decision).toEqual({ kind: "completed" })
  })
})

test("an aborted call is only noted, with what it may have cost", () => {
  const decided = decide({ kind: "aborted", usage: USAGE, possiblyBilled: true })
  expect(decided.decision).toEqual({ kind: "note" })
  expect(decided.attempt).toMatchObject({ result: "cancelled", error: null, possiblyBilled: true })
  expect(decided.result).toEqual({ response: null, usage: USAGE, error: null })
  expect(decided.report).toEqual(told({ health: "unknown", usedTokens: 15 }))
})

test("a call that its own drain breaks off goes back to its line, uncounted", () => {
  const aborted = { kind: "aborted", usage: null, possiblyBilled: true } as const
  const decided = decide(aborted, claimedRequest(), undefined, true)
  expect(decided.decision).toEqual({ kind: "return" })
  expect(decided.attempt).toMatchObject({
    ...{ result: "lease_expired", error: { code: "lease_expired", retryable: true }, possiblyBilled: true },
  })
  // The provider is not to blame.
  expect(decided.report).toEqual(told({ health: "unknown", usedTokens: null }))
})

describe("a failure", () => {
  const retry = (dueAt: number) => ({ kind: "retry", dueAt })
  const limited = (ms: number) => told({ blockedUntil: NOW + ms })
  const trouble = (ms: number | null = null) =>
    told({ health: "trouble", blockedUntil: ms === null ? null : NOW + ms })

  // With random 0.5 the backoffs are 500, 1000, 2000, 4000 ms.
  test.each<[string, CallOutcome, Partial<ClaimedRequest>, unknown, unknown]>([
    ["not retryable", failed("provider_rejected", { retryable: false }), {}, { kind: "failed" }, told()],
    ["retryable", failed("provider_invalid_response"), {}, retry(NOW + 500), told()],
    ["third retry", failed("network"), { retries: 2 }, retry(NOW + 2000), told()],
    ["retries used up", failed("network"), { retries: 3 }, { kind: "failed" }, told()],
    ["not reached", failed("network", { scope: "provider" }), {}, retry(NOW + 500), trouble()],
    ["first timeout", failed("timeout"), {}, retry(NOW + 500), trouble()],
    ["second timeout", failed("timeout"), { retries: 1, timeouts: 1 }, { kind: "failed" }, trouble()],
    ["other error after one", failed("network"), { retries: 1, timeouts: 1 }, retry(NOW + 1000), told()],
    ["an error of ours", failed("internal"), {}, retry(NOW + 500), told({ health: "unknown" })],
    [
      "rate limited, with a wait",
      failed("provider_rate_limited", { scope: "provider", retryAfterMs: 7000 }),
      {},
      retry(NOW + 7000),
      limited(7000),
    ],
    [
      "rate limited, with a wait below the backoff",
      failed("provider_rate_limited", { scope: "provider", retryAfterMs: 20 }),
      {},
      retry(NOW + 500),
      limited(20),
    ],
    [
      "rate limited, without a word",
      failed("provider_rate_limited", { scope: "provider" }),
      { retries: 1 },
      retry(NOW + 1000),
      limited(1000),
    ],
    [
      "rate limited, retries used up",
      failed("provider_rate_limited", { scope: "provider", retryAfterMs: 7000 }),
      { retries: 3 },
      { kind: "failed" },
      limited(7000),
    ],
    [
      "rate limited, a wait of a month",
      failed("provider_rate_limited", { scope: "provider", retryAfterMs: 30 * 86_400_000 }),
      {},
      retry(NOW + 86_400_000),
      limited(3_600_000),
    ],
    ["overloaded", failed("provider_overloaded", { scope: "provider" }), {}, retry(NOW + 500), trouble()],
    [
      "unavailable, with a wait",
      failed("provider_unavailable", { scope: "provider", retryAfterMs: 3000.5 }),
      {},
      retry(NOW + 3001),
      trouble(3001),
    ],
    [
      "asked to wait for this request alone",
      failed("provider_unavailable", { retryAfterMs: 3000 }),
      {},
      retry(NOW + 3000),
      told(),
    ],
    [
      "the key refused, though retries are used up",
      failed("provider_auth", { scope: "account", retryable: false }),
      { retries: 3 },
      { kind: "return" },
      told({ health: "account" }),
    ],
  ])("%s", (_name, outcome, claimed, decision, report) => {
    const decided = decide(outcome, claimedRequest({}, claimed))
    expect(decided.decision).toEqual(decision)
    expect(decided.report).toEqual(report)
    const failure = outcome.kind === "failed" ? outcome.failure : null
    expect(decided.result.error).toEqual(failure?.error)
    expect(decided.attempt).toMatchObject({
      result: decided.decision.kind === "failed" ? "failed" : "retry",
      error: failure?.error,
      status: 500,
      providerRequestId: "vendor-1",
    })
  })

  test("of an answer that is too long keeps usage and the beginning", () => {
    const outcome = failed("result_too_large", { retryable: false, partialText: "It was a dark" })
    const decided = decide({ ...outcome, usage: USAGE })
    expect(decided.decision).toEqual({ kind: "failed" })
    expect(decided.result.error?.code).toBe("result_too_large")
    expect(decided.result.usage).toEqual(USAGE)
    expect(decided.result.response).toMatchObject({
      object: "chat.completion",
      choices: [{ message: { content: "It was a dark" }, finish_reason: "length" }],
      usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
    })
  })

  test("that may have been billed says so", () => {
    expect(decide(failed("timeout", { possiblyBilled: true })).attempt?.possiblyBilled).toBe(true)
  })
})

describe("the deadline", () => {
  test.each([
    ["a retry due before it", NOW + 501, "retry"],
    ["a retry due at it", NOW + 500, "failed"],
    ["a retry due after it", NOW + 499, "failed"],
  ])("%s", (_name, deadlineAt, kind) => {
    expect(decide(failed("network"), claimedRequest({ deadlineAt })).decision.kind).toBe(kind)
  })

  test("has the last word in the request, not in its history", () => {
    const decided = decide(failed("network"), claimedRequest({ deadlineAt: NOW + 1 }))
    expect(decided.result.error).toEqual({
      code: "deadline_exceeded",
      message: "The deadline leaves no time for a retry. The last error was network: says network",
      retryable: false,
      status: 500,
    })
    expect(decided.attempt).toMatchObject({ result: "failed", error: { code: "network" } })
  })

  test("does not hide why a request failed that had no retry left", () => {
    const claimed = claimedRequest({ deadlineAt: NOW + 1, maxRetries: 0 })
    expect(decide(failed("network"), claimed).result.error?.code).toBe("network")
  })

  test("a wait that the server asks for beyond it fails at once", () => {
    const outcome = failed("provider_rate_limited", { scope: "provider", retryAfterMs: 60_000 })
    const decided = decide(outcome, claimedRequest({ deadlineAt: NOW + 30_000 }))
    expect(decided.decision).toEqual({ kind: "failed" })
    expect(decided.result.error?.code).toBe("deadline_exceeded")
    expect(decided.report?.blockedUntil).toBe(NOW + 60_000)
  })

  test("an account error after it fails the request, before it does not", () => {
    const outcome = failed("provider_quota", { scope: "account", retryable: false })
    const late = decide(outcome, claimedRequest({ deadlineAt: NOW }))
    expect(late.decision).toEqual({ kind: "failed" })
    expect(late.result.error?.code).toBe("deadline_exceeded")
    expect(late.report?.health).toBe("account")
    expect(decide(outcome, claimedRequest({ deadlineAt: NOW + 1 })).decision).toEqual({ kind: "return" })
  })
})

test.each([
  ["lease_expired", "lease_expired"],
  ["deadline_exceeded", "deadline_exceeded"],
] as const)("an overdue request (%s) fails without an attempt", (reason, code) => {
  const { lease } = claimedRequest()
  const settlement = settleOverdue({ lease, reason })
  expect(settlement).toMatchObject({ lease, decision: { kind: "failed" }, attempt: null, report: null })
  expect(settlement.result).toMatchObject({ response: null, usage: null, error: { code, retryable: false } })
})

describe("properties", () => {
  const anyDeadline = fc.option(fc.integer({ min: NOW - 1000, max: NOW + 200_000_000 }))

  test("a retry's delay is at least the server's wait, up to a day, and never over both bounds", () => {
    fc.assert(
      fc.property(anyFailure, anyRandom, fc.nat(10), ({ code, ...failure }, random, retries) => {
        const claimed = claimedRequest({ maxRetries: 10 }, { retries })
        const { decision } = decide(failed(code, failure), claimed, () => random)
        if (decision.kind !== "retry") return
        const waitMs = Math.min(failure.retryAfterMs ?? 0, 86_400_000)
        const jitterMs = Math.min(60_000, 1000 * 2 ** retries)
        expect(decision.dueAt).toBeGreaterThanOrEqual(NOW + waitMs)
        expect(decision.dueAt).toBeLessThanOrEqual(NOW + Math.max(waitMs, jitterMs))
        expect(Number.isInteger(decision.dueAt)).toBe(true)
      }),
    )
  })

  test("the whole range of the jitter is used", () => {
    const delays = [0, 0.999_999].map((random) => {
      const { decision } = decide(failed("network"), claimedRequest({}, { retries: 2 }), () => random)
      return decision.kind === "retry" ? decision.dueAt - NOW : null
    })
    expect(delays).toEqual([0, 4000])
  })

  test("nothing is due at or after the deadline", () => {
    fc.assert(
      fc.property(
        anyFailure,
        anyRandom,
        fc.record({ retries: fc.nat(10), hasAlternative: fc.boolean() }),
        anyDeadline,
        ({ code, ...failure }, random, facts, deadlineAt) => {
          const claimed = claimedRequest({ maxRetries: 10, deadlineAt }, facts)
          const { decision } = decide(failed(code, failure), claimed, () => random)
          if (deadlineAt === null) return
          if (decision.kind === "retry") expect(decision.dueAt).toBeLessThan(deadlineAt)
          if (decision.kind === "return") expect(deadlineAt).toBeGreaterThan(NOW)
        },
      ),
    )
  })

  test("whatever happens, at most maxRetries + 1 attempts are counted, and two timeouts", () => {
    fc.assert(
      fc.property(
        fc.infiniteStream(anyFailure.filter(({ scope }) => scope !== "account")),
        fc.nat(10),
        anyRandom,
        (failures, maxRetries, random) => {
          let [retries, timeouts, attempts] = [0, 0, 0]
          for (const { code, ...failure } of failures) {
            attempts += 1
            const claimed = claimedRequest({ maxRetries }, { retries, timeouts })
            const { decision } = decide(failed(code, failure), claimed, () => random)
            if (code === "timeout") timeouts += 1
            if (decision.kind === "failed") break
            expect(decision.kind).toBe("retry")
            retries += 1
            expect(attempts).toBeLessThanOrEqual(maxRetries)
          }
          expect(attempts).toBeLessThanOrEqual(maxRetries + 1)
          expect(timeouts).toBeLessThanOrEqual(2)
        },
      ),
    )
  })
})
