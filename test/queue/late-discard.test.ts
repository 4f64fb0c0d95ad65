import { expect, test } from "vitest"
import { scriptSha } from "../../dev/script-sha.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"
import { tapWire } from "./model/wire.ts"

async function failNext(queue: TestQueue): Promise<string> {
  const claimed = await queue.takeOne()
  await queue.settle([settlement(claimed, "failed")])
  return claimed.lease.requestId
}

describeQueue("a discard that a proxy held up", ({ open, store }) => {
  test.each<[string, (queue: TestQueue, id: string) => Promise<unknown>]>([
    ["of one", (queue, id) => queue.cancel(id, null)],
    ["of a clean-up", (queue) => queue.cleanup(5)],
  ])("%s does not remove the dead letter that its request has come to since", async (_, discard) => {
    const queue = open()
    await queue.enqueueEach({})
    const id = await failNext(queue)
    queue.clock.advance(10_000)
    const wire = tapWire(store().url)
    try {
      store().bridge.faults.inject({ fault: "drop", when: "before", contains: scriptSha("discard") })
      await expect(discard(queue, id)).rejects.toMatchObject({ code: "store_unavailable" })
      const held = wire.take().find(({ scripts }) => scripts[0]?.name === "discard")
      store().bridge.faults.clear()
      await queue.replay(id, null, { deadlineAt: null })
      queue.clock.advance(1000)
      await failNext(queue)
      if (held === undefined) throw new Error("nothing was held up")
      await wire.resend(held)
    } finally {
      wire.close()
    }
    expect(await queue.status(id, null)).toMatchObject({ state: "failed", replays: 1 })
  })
})
