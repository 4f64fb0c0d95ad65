import fc from "fast-check"
import { expect, test } from "vitest"
import type { DurationBucket, QueueFigures } from "../../src/queue/figures-contract.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const MINUTE_MS = 60_000
const RING_MS = 16 * MINUTE_MS
const CODES = { failed: "provider_rejected", retry: "provider_unavailable" } as const

type Step =
  | { do: "enqueue"; count: number; provider: string }
  | { do: "settle"; as: "completed" | "failed" | "retry"; ms: number }
  | { do: "cancel" | "roll" }
  | { do: "wait"; ms: number }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant("enqueue" as const),
      count: fc.integer({ min: 1, max: 5 }),
      provider: fc.constantFrom("openai", "anthropic"),
    }),
    fc.record({
      do: fc.constant("settle" as const),
      as: fc.constantFrom("completed" as const, "failed" as const, "retry" as const),
      ms: fc.nat(20_000),
    }),
    fc.record({ do: fc.constantFrom("cancel" as const, "roll" as const) }),
    // A second, a minute and some, and as long as the ring of minutes reaches: the next lies where this one was.
    fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1000, 70_000, RING_MS) }),
  ),
  { minLength: 8, maxLength: 20 },
)

const ONE: Step = { do: "enqueue", count: 1, provider: "openai" }

/** What has happened, by names of one's own. */
class Tally {
  readonly counts: Record<string, number> = {}
  add(name: string, by = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + by
  }
}

function flatten(totals: QueueFigures): Record<string, number> {
  const { enqueued, completed, failed, retried, cancelled } = totals
  const sum = (buckets: DurationBucket[]) => buckets.reduce((all, { count }) => all + count, 0)
  const counts = {
    ...{ enqueued, completed, failed, retried, cancelled, waits: sum(totals.waits) },
    ...Object.fromEntries(
      Object.entries(totals.providerTimes).map(([name, times]) => [`${name} times`, sum(times)]),
    ),
    ...Object.fromEntries(
      Object.entries(totals.attempts).flatMap(([name, codes]) =>
        Object.entries(codes).map(([code, count]) => [`${name} ${code}`, count]),
      ),
    ),
  }
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

/** Every single number, that of each bucket too. */
function numbersOf({ waits, providerTimes, attempts, ...others }: QueueFigures): Map<string, number> {
  const { enqueued, completed, failed, retried, cancelled, commands } = others
  return new Map([
    ...Object.entries({ enqueued, completed, failed, retried, cancelled, commands }),
    ...waits.map(({ belowMs, count }) => [`wait ${belowMs}`, count] as const),
    ...Object.entries(providerTimes).flatMap(([name, times]) =>
      times.map(({ belowMs, count }) => [`${name} ${belowMs}`, count] as const),
    ),
    ...Object.entries(attempts).flatMap(([name, codes]) =>
      Object.entries(codes).map(([code, count]) => [`${name} ${code}`, count] as const),
    ),
  ])
}

async function run(queue: TestQueue, step: Step, tally: Tally): Promise<void> {
  switch (step.do) {
    case "enqueue": {
      const { count, provider } = step
      await queue.enqueue(
        Array.from({ length: count }, () => queue.newRequest({ provider, maxRetries: 100 })),
      )
      return tally.add("enqueued", count)
    }
    case "settle": {
      const { requests } = await queue.take()
      queue.clock.advance(step.ms)
      const finishedAt = queue.clock()
      for (const { lease, target } of requests) {
        if (lease.attempt === 1) tally.add("waits")
        tally.add({ completed: "completed", failed: "failed", retry: "retried" }[step.as])
        tally.add(`${target.provider} ${step.as === "completed" ? "completed" : CODES[step.as]}`)
        if (step.as === "completed") tally.add(`${target.provider} times`)
      }
      const code = step.as === "completed" ? {} : { code: CODES[step.as] }
      await queue.settle(requests.map((each) => settlement(each, step.as, { ...code, finishedAt })))
      return
    }
    case "cancel": {
      const [request] = (await queue.list({ state: "pending", organizationId: null, limit: 1, cursor: null }))
        .data
      if (request === undefined) return
      expect((await queue.cancel(request.requestId, null)).kind).toBe("cancelled")
      return tally.add("cancelled")
    }
    case "roll":
      return queue.roll()
    case "wait":
      queue.clock.advance(step.ms)
  }
}

describeQueue("figures since ever", ({ open, loseAnswerOf }) => {
  test("are what has happened, and never fall: within a minute, over rolls, and where nobody rolled for long", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const queue = open()
        const tally = new Tally()
        let before = new Map<string, number>()
        for (const step of all) {
          await run(queue, step, tally)
          const totals = await queue.figures()
          const now = numbersOf(totals)
          for (const [name, count] of before)
            expect([name, now.get(name)]).toEqual([name, expect.toSatisfy((value) => value >= count)])
          expect(flatten(totals)).toEqual(tally.counts)
          before = now
        }
      }),
      {
        numRuns: 8,
        examples: [[[ONE, { do: "wait", ms: RING_MS }, ONE, { do: "roll" }]]],
      },
    )
  })

  test("count once what a roll took whose answer was lost, and what two rolled at once", async () => {
    const queue = open()
    await queue.enqueueEach({}, {}, {})
    queue.clock.advance(MINUTE_MS)
    loseAnswerOf("roll")
    await queue.roll()
    await queue.enqueueEach({})
    queue.clock.advance(MINUTE_MS)
    await Promise.all([queue.roll(), queue.sibling().roll()])
    expect((await queue.figures()).enqueued).toBe(4)
  })
})
