import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { CallOutcome } from "../../src/providers/provider.ts"
import type { ClaimedRequest } from "../../src/queue/contract.ts"
import { claimedRequest } from "./claimed.ts"
import { anyFailure, anyRandom, decide, failed, NOW } from "./decide.ts"

const AT_ONCE = { kind: "retry", dueAt: NOW }
const FAILED = { kind: "failed" }
const dueIn = (ms: number) => ({ kind: "retry", dueAt: NOW + ms })

describe("where another target may take over", () => {
  test.each<[string, CallOutcome, Partial<ClaimedRequest>, unknown]>([
    ["trouble", failed("provider_overloaded", { scope: "provider", retryAfterMs: 9000 }), {}, AT_ONCE],
    ["a rate limit", failed("provider_rate_limited", { scope: "provider", retryAfterMs: 9000 }), {}, AT_ONCE],
    [
      "trouble that is said to last",
      failed("provider_unavailable", { scope: "provider", retryable: false }),
      {},
      AT_ONCE,
    ],
    ["trouble without a retry left", failed("network", { scope: "provider" }), { retries: 3 }, FAILED],
    ["a first timeout", failed("timeout"), {}, dueIn(500)],
    ["a second timeout", failed("timeout"), { retries: 1, timeouts: 1 }, AT_ONCE],
    ["a second timeout without a retry left", failed("timeout"), { retries: 3, timeouts: 1 }, FAILED],
    ["a request's own trouble", failed("provider_invalid_response"), {}, dueIn(500)],
    [
      "a wait for this request alone",
      failed("provider_unavailable", { retryAfterMs: 3000 }),
      {},
      dueIn(3000),
    ],
    ["a rejection", failed("provider_rejected", { retryable: false }), {}, FAILED],
    [
      "a refused account",
      failed("provider_auth", { scope: "account", retryable: false }),
      {},
      { kind: "return" },
    ],
  ])("%s", (_, outcome, facts, decision) => {
    expect(decide(outcome, claimedRequest({}, { hasAlternative: true, ...facts })).decision).toEqual(decision)
  })

  test.each<[string, CallOutcome, number, unknown]>([
    [
      "a wait beyond it",
      failed("provider_rate_limited", { scope: "provider", retryAfterMs: 60_000 }),
      30_000,
      AT_ONCE,
    ],
    ["a first timeout whose retry would come too late", failed("timeout"), 500, AT_ONCE],
    ["a first timeout whose retry comes in time", failed("timeout"), 501, dueIn(500)],
    ["a request's own trouble", failed("provider_invalid_response"), 500, FAILED],
    ["trouble once it has passed", failed("network", { scope: "provider" }), 0, FAILED],
  ])("before a deadline: %s", (_, outcome, leftMs, decision) => {
    const claimed = claimedRequest({ deadlineAt: NOW + leftMs }, { hasAlternative: true })
    const decided = decide(outcome, claimed)
    expect(decided.decision).toEqual(decision)
    expect(decided.result.error?.code === "deadline_exceeded").toBe(decision === FAILED)
  })
})

describe("where there is no other target", () => {
  test.each<[string, CallOutcome, Partial<ClaimedRequest>, unknown]>([
    [
      "trouble is waited for",
      failed("provider_overloaded", { scope: "provider", retryAfterMs: 9000 }),
      {},
      dueIn(9000),
    ],
    [
      "trouble that is said to last ends it",
      failed("provider_unavailable", { scope: "provider", retryable: false }),
      {},
      FAILED,
    ],
    ["a second timeout ends it", failed("timeout"), { retries: 1, timeouts: 1 }, FAILED],
  ])("%s", (_, outcome, facts, decision) => {
    expect(decide(outcome, claimedRequest({}, facts)).decision).toEqual(decision)
  })
})

test("over any targets, at most maxRetries + 1 attempts are counted, and two timeouts on each", () => {
  const facts = fc.record({ targets: fc.integer({ min: 1, max: 4 }), maxRetries: fc.nat(10) })
  fc.assert(
    fc.property(
      fc.infiniteStream(anyFailure),
      facts,
      anyRandom,
      (failures, { targets, maxRetries }, random) => {
        const timeouts = new Array<number>(targets).fill(0)
        let [target, retries, counted, calls] = [0, 0, 0, 0]
        for (const { code, ...failure } of failures) {
          // An account's trouble costs no attempt, so it alone could go on for ever.
          calls += 1
          if (calls > 200) break
          const open = timeouts.flatMap((count, i) => (count < 2 && i !== target ? [i] : []))
          const claimed = claimedRequest(
            { maxRetries },
            { retries, timeouts: timeouts[target] ?? 0, hasAlternative: open.length > 0 },
          )
          const { decision } = decide(failed(code, failure), claimed, () => random)
          if (failure.scope === "account") {
            expect(decision.kind).toBe("return")
          } else {
            counted += 1
            if (code === "timeout") timeouts[target] = (timeouts[target] ?? 0) + 1
            if (decision.kind === "failed") break
            expect(decision.kind).toBe("retry")
            retries += 1
          }
          target = open[0] ?? target
        }
        expect(counted).toBeLessThanOrEqual(maxRetries + 1)
        expect(Math.max(...timeouts)).toBeLessThanOrEqual(2)
      },
    ),
  )
})
