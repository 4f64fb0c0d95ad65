import fc from "fast-check"
import { expect, test } from "vitest"
import { ERROR_CODES, type ErrorCode } from "../../src/core/outcome.ts"
import { PRIORITIES, type RequestState, STATES } from "../../src/core/request.ts"
import type { RequestFilter } from "../../src/core/request-filter.ts"
import type { SweepVerb } from "../../src/core/sweep.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"
import { walk } from "./sweep-walk.ts"

describeQueue("filters of a sweep", ({ open, kind }) => {
  test("find, in a dry run, what a list finds, whatever the filter", async () => {
    const queue = open()
    const filled = await fill(queue)
    await fc.assert(
      fc.asyncProperty(anyFilter(filled.times), async ({ verb, filter }) => {
        const { matched } = await walk(queue, verb, filter, { dryRun: true })
        expect(matched).toBe(expected(filled.requests, verb, filter).length)
      }),
      { numRuns: kind === "embedded" ? 25 : 60 },
    )
    const { verb, filter } = { verb: "cancel", filter: { provider: "openai" } } as const
    const meant = expected(filled.requests, verb, filter)
    await walk(queue, verb, filter, { limit: 2 })
    for (const { requestId, state } of filled.requests) {
      const now = (await queue.status(requestId, null))?.state
      expect(now).toBe(meant.some((each) => each.requestId === requestId) ? "cancelled" : state)
    }
  })
})

interface Known extends Required<Omit<RequestFilter, "createdAfter" | "createdBefore" | "errorCode">> {
  requestId: string
  createdAt: number
  errorCode: ErrorCode | null
}

const MODELS = ["small", "large"]
const PROVIDERS = ["openai", "deepseek"]
const ORGANIZATIONS = ["org-1", "org-2"]

/** Requests in every state, of all kinds. */
async function fill(queue: TestQueue): Promise<{ requests: Known[]; times: number[] }> {
  const requests: Known[] = []
  const start = queue.clock()
  for (let i = 0; i < 36; i++) {
    const state: RequestState = STATES[i % STATES.length] ?? "pending"
    const ends = state === "completed" || state === "failed" || state === "processing"
    const asked = {
      provider: PROVIDERS[Math.floor(i / 6) % 2] ?? "",
      model: MODELS[Math.floor(i / 12) % 2] ?? "",
      organizationId: ORGANIZATIONS[Math.floor(i / 3) % 2] ?? "",
      priority: ends ? ("critical" as const) : (PRIORITIES[1 + (i % 3)] ?? "low"),
    }
    const createdAt = queue.clock()
    const scheduledAt = state === "scheduled" ? start + 1_000_000 : null
    const [requestId = ""] = await queue.enqueueEach({ ...asked, scheduledAt })
    const errorCode = state === "failed" ? (ERROR_CODES[Math.floor(i / 6) % 3] ?? null) : null
    if (state === "cancelled") await queue.cancel(requestId, null)
    if (ends) {
      const claimed = await queue.takeOne()
      if (state !== "processing")
        await queue.settle([settlement(claimed, state, errorCode === null ? {} : { code: errorCode })])
    }
    requests.push({ ...asked, requestId, createdAt, state, errorCode })
    if (i % 2 === 1) queue.clock.advance(1)
  }
  return { requests, times: [start + 3, start + 9, start + 15] }
}

function anyFilter(times: number[]) {
  const of = <Value>(...values: Value[]) => fc.constantFrom(...values)
  const common = {
    ...{ organizationId: of(...ORGANIZATIONS), provider: of(...PROVIDERS), model: of(...MODELS) },
    ...{ priority: of(...PRIORITIES), createdAfter: of(...times), createdBefore: of(...times) },
  }
  const cancel = fc.record(
    { ...common, state: of("scheduled", "pending", "processing") },
    { requiredKeys: [] },
  )
  const failed = fc.record(
    { ...common, state: of("failed"), errorCode: of(...ERROR_CODES.slice(0, 4)) },
    { requiredKeys: [] },
  )
  return fc.oneof(
    cancel.map((filter) => ({ verb: "cancel", filter })),
    failed.map((filter) => ({ verb: "replay", filter })),
  ) as fc.Arbitrary<{ verb: SweepVerb; filter: RequestFilter }>
}

/** Said anew, and as plainly as it goes. */
function expected(requests: Known[], verb: SweepVerb, filter: RequestFilter): Known[] {
  const { createdAfter, createdBefore, ...equal } = filter
  const states = verb === "cancel" ? ["scheduled", "pending", "processing"] : ["failed"]
  return requests.filter(
    (request) =>
      states.includes(request.state) &&
      Object.entries(equal).every(([name, value]) => request[name as keyof typeof equal] === value) &&
      (createdAfter === undefined || request.createdAt >= createdAfter) &&
      (createdBefore === undefined || request.createdAt < createdBefore),
  )
}
