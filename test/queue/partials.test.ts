import { expect, test } from "vitest"
import type { Lease, PartialText } from "../../src/queue/contract.ts"
import { countCommands } from "../helpers/count.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const part = (lease: Lease, offset: number, text: string): PartialText => ({
  ...{ lease, timeoutMs: 30_000, offset, text },
})

/** What is stored of an attempt's text. */
async function textOf(queue: TestQueue, { requestId, attempt }: Lease): Promise<string> {
  return (await queue.glanceAtText(requestId, { attempt, offset: 0 })).text
}

describeQueue("the text of a watched request", ({ open, kind, loseAnswerOf }) => {
  test("is asked for once, and drains learn of it by their claims and looks", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const until = queue.clock() + 60_000
    expect(await queue.watch(id, until)).toMatchObject({ attempt: 0, owner: null, startedAt: null })
    await queue.watch(id, until - 1000)
    const { lease, watchedUntil } = await queue.takeOne()
    expect(watchedUntil).toBe(until)
    const glance = await queue.watch(id, until + 1000)
    expect(glance).toMatchObject({ attempt: 1, owner: "drain", startedAt: queue.clock() })
    expect(await queue.glance(id)).toEqual(glance)
    expect((await queue.lookAtLeases([lease])).watchedUntil).toEqual(new Map([[id, until + 1000]]))
    expect(await queue.writePartials([part(lease, 0, "a")])).toEqual([until + 1000])
  })

  test("cannot be asked for when there is none to come", async () => {
    const queue = open()
    const unknown = queue.newRequest().head.requestId
    expect(await queue.watch(unknown, queue.clock() + 1000)).toBeNull()
    const [id = ""] = await queue.enqueueEach({})
    await queue.settle([settlement(await queue.takeOne(), "completed")])
    expect(await queue.watch(id, queue.clock() + 1000)).toBeNull()
    expect(await queue.glance(id)).toBeNull()
  })

  test("outlives a retry, and another attempt's is another", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    await queue.watch(id, queue.clock() + 60_000)
    const first = await queue.takeOne()
    await queue.writePartials([part(first.lease, 0, "first")])
    await queue.settle([settlement(first, "retry", { dueAt: queue.clock() })])
    const second = await queue.takeOne()
    expect(second.watchedUntil).toBe(first.watchedUntil)
    const late = [part(first.lease, 5, " and more"), part(second.lease, 0, "second")]
    expect(await queue.writePartials(late)).toEqual([null, second.watchedUntil])
    expect(await textOf(queue, first.lease)).toBe("first")
    expect(await textOf(queue, second.lease)).toBe("second")
  })

  test("is the same after repeated, late and lost writes", async () => {
    const queue = open()
    await queue.enqueueEach({})
    const { lease } = await queue.takeOne()
    const pieces = ["Grüße, ", "世界 ", "🌍", "!"]
    let offset = 0
    const writes = pieces.map((piece) => {
      const write = part(lease, offset, piece)
      offset += Buffer.byteLength(piece)
      return write
    })
    for (const write of writes) {
      loseAnswerOf("partial")
      // Executed, though it looks as if it had failed.
      await expect(queue.writePartials([write])).rejects.toMatchObject({ code: "store_unavailable" })
      await queue.writePartials([write])
      if (writes[0] !== undefined) await queue.writePartials([writes[0]])
    }
    expect(await textOf(queue, lease)).toBe(pieces.join(""))
    const place = { attempt: lease.attempt, offset: Buffer.byteLength("Grüße, ") }
    expect((await queue.glanceAtText(lease.requestId, place)).text).toBe("世界 🌍!")
  })

  test("is not written any more once the request has ended, and ends by itself", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({})
    const claimed = await queue.takeOne()
    await queue.writePartials([part(claimed.lease, 0, "some")])
    await queue.cancel(id, null)
    expect(await queue.writePartials([part(claimed.lease, 4, " more")])).toEqual([null])
    expect(await textOf(queue, claimed.lease)).toBe("some")
    const key = queue.keys.partial(id, 1)
    const seconds = await queue.redis.sendCommand<number>(["TTL", key])
    expect(seconds).toBeGreaterThan(80)
    expect(seconds).toBeLessThanOrEqual(90)
  })

  test.runIf(kind === "redis")("costs what the scripts promise", async () => {
    const queue = open()
    await queue.enqueueEach({}, {}, {})
    const leases = (await queue.take()).requests.map(({ lease }) => lease)
    const [lease] = leases
    if (lease === undefined) throw new Error("nothing was claimed")
    const cost = async (run: () => Promise<unknown>) => (await countCommands(queue.redis, run)).total
    const write = (offset: number, text: string) => () =>
      queue.writePartials(leases.map((each) => part(each, offset, text)))
    expect(await cost(() => queue.watch(lease.requestId, queue.clock() + 1000))).toBe(3)
    expect(await cost(() => queue.watch(lease.requestId, queue.clock() + 1000))).toBe(2)
    expect(await cost(() => queue.glance(lease.requestId))).toBe(1)
    expect(await cost(() => queue.glanceAtText(lease.requestId, { attempt: 1, offset: 0 }))).toBe(2)
    expect(await cost(write(0, "a"))).toBe(2 + 3 * 2)
    expect(await cost(write(1, "b"))).toBe(2 + 3)
    expect(await cost(() => queue.writePartials([part(lease, 2, "c")]))).toBe(3)
  })
})
