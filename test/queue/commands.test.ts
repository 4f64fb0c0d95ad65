import { expect, test } from "vitest"
import { newOperationId } from "../../src/core/ids.ts"
import type { Claim } from "../../src/queue/contract.ts"
import { countCommands, countRoundTrips } from "../helpers/count.ts"
import { CLAIM, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

/**
 * What operations cost at most, as the scripts' headers and `contract.ts` promise. Every command is billed, those
 * inside a script too, and so is the run of the script itself. A change that makes one dearer has to say so here.
 */
describeQueue("the cost", ({ open, store, kind, loseAnswerOf }) => {
  /** Only a real Redis counts its commands; round trips are counted everywhere. */
  async function expectCost(
    queue: TestQueue,
    what: string,
    most: { commands: number; trips: number },
    run: () => Promise<unknown>,
  ) {
    const count = () => countRoundTrips(store().bridge, run)
    if (kind === "embedded") return expect(await count(), what).toBe(most.trips)
    let trips = 0
    const { total, byName } = await countCommands(queue.redis, async () => {
      trips = await count()
    })
    expect(trips, what).toBe(most.trips)
    expect(total, `${what}: ${JSON.stringify(byName)}`).toBeLessThanOrEqual(most.commands)
    // A bound that is well above the truth binds nobody.
    expect(total, `${what} costs less than its bound says`).toBeGreaterThanOrEqual(most.commands - 1)
  }

  test("of enqueueing", async () => {
    const queue = open()
    const ask = (count: number) => Array.from({ length: count }, () => queue.newRequest())
    await expectCost(queue, "into an empty line", { commands: 9, trips: 1 }, () => queue.enqueue(ask(1)))
    await expectCost(queue, "behind others", { commands: 10, trips: 1 }, () => queue.enqueue(ask(1)))
    await expectCost(queue, "a bulk of 20", { commands: 11, trips: 1 }, () => queue.enqueue(ask(20)))
    await expectCost(queue, "a bulk of 1,000", { commands: 11, trips: 1 }, () => queue.enqueue(ask(1000)))
    const later = queue.newRequest({ scheduledAt: queue.clock() + 1000, deadlineAt: queue.clock() + 2000 })
    await expectCost(queue, "for later", { commands: 10, trips: 1 }, () => queue.enqueue([later]))
    const idempotency = { organizationId: "org-1", keyHash: newOperationId(), bodyHash: "aa" }
    const once = () => queue.enqueueOnce(ask(1), idempotency)
    await expectCost(queue, "under a key", { commands: 12, trips: 1 }, once)
    await expectCost(queue, "under a known key", { commands: 3, trips: 1 }, once)
  })

  test("of asking", async () => {
    const queue = open()
    const [id = "", waiting = ""] = await queue.enqueueEach({}, {})
    const status = (requestId: string) => () => queue.status(requestId, null)
    await expectCost(queue, "a pending request", { commands: 4, trips: 1 }, status(waiting))
    const claimed = await queue.takeOne()
    await expectCost(queue, "a processing request", { commands: 4, trips: 1 }, status(id))
    await queue.settle([settlement(claimed, "completed")])
    await expectCost(queue, "a completed request", { commands: 3, trips: 1 }, status(id))
    const unknown = queue.newRequest().head.requestId
    await expectCost(queue, "an unknown request", { commands: 4, trips: 1 }, status(unknown))
    await expectCost(queue, "statistics", { commands: 11, trips: 1 }, () => queue.stats())
    await expectCost(queue, "health", { commands: 1, trips: 1 }, () => queue.health())
  })

  test("of cancelling and replaying", async () => {
    const queue = open()
    const [pending = "", id = ""] = await queue.enqueueEach({ priority: "low" }, {}, {})
    const cancel = (requestId: string) => () => queue.cancel(requestId, null)
    await expectCost(queue, "a pending request", { commands: 12, trips: 1 }, cancel(pending))
    await expectCost(queue, "again", { commands: 5, trips: 1 }, cancel(pending))
    await queue.settle([settlement(await queue.takeOne(), "failed")])
    await expectCost(queue, "a replay", { commands: 14, trips: 2 }, () =>
      queue.replay(id, null, { deadlineAt: null }),
    )
    const failed = await queue.takeOne()
    await queue.settle([settlement(failed, "failed")])
    await expectCost(queue, "a discard", { commands: 12, trips: 2 }, cancel(failed.lease.requestId))
  })

  test("of draining", async () => {
    const queue = open()
    await queue.enqueue(Array.from({ length: 80 }, () => queue.newRequest()))
    const claims: Claim[] = []
    const claim = async () => {
      claims.push(await queue.take({ limit: 20 }))
    }
    const settled = () => (claims.pop()?.requests ?? []).map((each) => settlement(each, "completed"))
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    await expectCost(queue, "a claim of 20", { commands: 9, trips: 2 }, claim)
    await expectCost(queue, "settling 20", { commands: 29, trips: 1 }, () => queue.settle(settled()))
    await claim()
    await expectCost(queue, "a turn of 20", { commands: 34, trips: 2 }, () =>
      queue.turn(settled(), { ...CLAIM, limit: 20 }),
    )
    const { lease } = (await queue.take({ limit: 1 })).requests[0] ?? {}
    if (lease === undefined) throw new Error("nothing was claimed")
    const longer = lease.expiresAt + 1000
    await expectCost(queue, "an extension", { commands: 3, trips: 1 }, () => queue.extend(lease, longer))
    await expectCost(queue, "lost leases", { commands: 1, trips: 1 }, () => queue.lookAtLeases([lease]))
  })

  test("of looking through requests of which none may start", async () => {
    const queue = open()
    for (const provider of ["openai", "anthropic"]) await queue.setPaused(provider, true)
    const fallbacks = [{ provider: "anthropic", model: "claude" }]
    await queue.enqueue(Array.from({ length: 600 }, () => queue.newRequest({ fallbacks })))
    await expectCost(queue, "a claim of 4", { commands: 12, trips: 1 }, () => queue.take({ limit: 4 }))
  })

  test("of a claim whose answer was lost, while others are in flight", async () => {
    const queue = open()
    await queue.enqueue(Array.from({ length: 60 }, () => queue.newRequest()))
    await queue.take({ owner: "other", limit: 50 })
    loseAnswerOf("claim")
    await expectCost(queue, "executed and repeated", { commands: 15, trips: 3 }, () =>
      queue.take({ limit: 5 }),
    )
  })

  test("of a single settlement", async () => {
    const queue = open()
    await queue.enqueue(Array.from({ length: 4 }, () => queue.newRequest()))
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    for (const [kind, commands] of [
      ["completed", 10],
      ["retry", 9],
      ["failed", 13],
    ] as const) {
      const claimed = await queue.takeOne()
      await expectCost(queue, kind, { commands, trips: 1 }, () => queue.settle([settlement(claimed, kind)]))
    }
  })

  test("of nothing to do", async () => {
    const queue = open()
    await expectCost(queue, "the first claim ever", { commands: 3, trips: 1 }, () => queue.take())
    await expectCost(queue, "a claim", { commands: 3, trips: 1 }, () => queue.take())
    queue.clock.advance(60_000)
    await expectCost(queue, "a minute later", { commands: 3, trips: 1 }, () => queue.take())
  })

  test("of a lone request, and of a bulk of 20, from accepted to its outcome", async () => {
    const queue = open()
    const run = async (count: number) => {
      await queue.enqueue(Array.from({ length: count }, () => queue.newRequest()))
      const { requests } = await queue.take()
      await queue.turn(
        requests.map((each) => settlement(each, "completed")),
        CLAIM,
      )
    }
    await run(1)
    // 3 of these are the claim that finds nothing more.
    await expectCost(queue, "a lone request", { commands: 27, trips: 4 }, () => run(1))
    await expectCost(queue, "20 in bulk: 2.4 a request", { commands: 48, trips: 4 }, () => run(20))
  })
})
