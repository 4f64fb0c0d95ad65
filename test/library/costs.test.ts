import { expect, it } from "vitest"
import { countCommands, countRoundTrips } from "../helpers/count.ts"
import { describeLibrary, MESSAGES, newName } from "./suite.ts"

/** Round trips and billed commands, as the table in `docs/library.md` has them. */
const COSTS = {
  "dequeue of nothing": [1, 3],
  enqueue: [1, 8],
  "enqueueMany of 20": [1, 10],
  "status of a pending one": [1, 5],
  dequeue: [2, 9],
  "dequeueMany of 20": [2, 9],
  "status of one in work": [1, 5],
  extendLease: [1, 3],
  complete: [1, 11],
  "complete by attempt": [2, 14],
  "fail, to be retried": [1, 9],
  "fail for good": [1, 13],
  "status of a finished one": [1, 3],
  replay: [2, 14],
  cancel: [1, 12],
  getQueueStats: [1, 11],
  cleanup: [2, 4],
} satisfies Record<string, [trips: number, commands: number]>

describeLibrary("the cost", ({ kind, open, store }) => {
  async function expectCost(what: keyof typeof COSTS, run: () => Promise<unknown>) {
    const [mostTrips, mostCommands] = COSTS[what]
    let trips = 0
    const { total, byName } = await countCommands(store().redis, async () => {
      trips = await countRoundTrips(store().bridge, run)
    })
    expect(trips, what).toBe(mostTrips)
    expect(total, `${what}: ${JSON.stringify(byName)}`).toBeLessThanOrEqual(mostCommands)
    expect(total, `${what} costs less than the documentation says`).toBeGreaterThanOrEqual(mostCommands - 1)
  }

  it.runIf(kind === "redis")("of each method is as documented", async () => {
    const queueName = newName()
    const [queue, other] = [open({ queueName }), open({ queueName })]
    const enqueue = () => queue.enqueue("openai", "gpt-5", MESSAGES)
    const entry = { provider: "openai", model: "gpt-5", messages: MESSAGES }
    const enqueueMany = () => queue.enqueueMany(Array.from({ length: 20 }, () => entry))

    // The store knows every script from here on.
    const first = await enqueue()
    await queue.dequeue()
    await queue.fail(first, { retryable: false })
    await queue.replay(first)
    await queue.dequeue()
    await queue.extendLease(first, 1000)
    await queue.cancel(first)
    await queue.getRequestStatus(first)
    await queue.getQueueStats()
    await queue.cleanup()

    await expectCost("dequeue of nothing", () => queue.dequeue())
    await expectCost("enqueue", enqueue)
    const pending = await enqueue()
    await expectCost("status of a pending one", () => queue.getRequestStatus(pending))
    await expectCost("enqueueMany of 20", enqueueMany)
    await expectCost("dequeue", () => queue.dequeue())
    await expectCost("dequeueMany of 20", () => queue.dequeueMany(20))
    await enqueueMany()
    const [one = "", two = "", three = "", four = ""] = (await queue.dequeueMany(4)).map(
      (each) => each.requestId,
    )
    await expectCost("status of one in work", () => queue.getRequestStatus(one))
    await expectCost("extendLease", () => queue.extendLease(one, 600_000))
    await expectCost("complete", () => queue.complete(one, "Done."))
    await expectCost("complete by attempt", () => other.complete(two, "Done.", { attempt: 1 }))
    await expectCost("fail, to be retried", () => queue.fail(three, "No."))
    await expectCost("fail for good", () => queue.fail(four, { retryable: false }))
    await expectCost("status of a finished one", () => queue.getRequestStatus(one))
    await expectCost("replay", () => queue.replay(four))
    await expectCost("cancel", () => queue.cancel(four))
    await expectCost("getQueueStats", () => queue.getQueueStats())
    await expectCost("cleanup", () => queue.cleanup())
  })
})
