import { describe, expect, test } from "vitest"
import type { CallOutcome } from "../../src/providers/provider.ts"
import { stream, type VendorFixtures } from "./fixtures/fixtures.ts"
import type { Recording } from "./replay-server.ts"

/** A provider that tells what is left of its limits does so however its answer ends. */
export function describeQuotas(
  vendor: VendorFixtures,
  call: (recording: Recording, changes: { timeoutMs: number }) => Promise<CallOutcome>,
): void {
  const { limitHeaders, answers, errors, parts, rejection, streamHeaders } = vendor
  if (limitHeaders === null) return

  const cases: [string, CallOutcome["kind"], Recording[]][] = [
    ["an answer", "answered", Object.values(answers).map(({ recording }) => recording)],
    ["a refusal", "failed", Object.values(errors).map(({ recording }) => recording)],
    ["an answer that breaks", "failed", [stream(streamHeaders, [parts.opening, parts.content])]],
    ["an error whose body never ends", "failed", [{ ...rejection(""), steps: ["{", "hang"] }]],
  ]
  describe("what is left of its limits is told with", () => {
    test.each(cases)("%s", async (_, kind, recordings) => {
      expect(recordings.length).toBeGreaterThan(0)
      for (const recording of recordings) {
        const before = Date.now()
        const headers = { ...recording.headers, ...limitHeaders() }
        const outcome = await call({ ...recording, headers }, { timeoutMs: 1000 })
        const isIn = (ms: number) => (at: number) => at >= before + ms && at <= Date.now() + ms
        expect(outcome.kind).toBe(kind)
        expect(outcome.quotas).toEqual({
          requests: { limit: 60, remaining: 59, fullAt: expect.toSatisfy(isIn(1000)) },
          tokens: { limit: 150_000, remaining: 149_984, fullAt: expect.toSatisfy(isIn(360_000)) },
        })
      }
    })
  })
}
