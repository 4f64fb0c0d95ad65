import { expect, test } from "vitest"
import { CLAIM, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"
import { readRawQueue } from "../helpers/raw-queue.ts"

const NEWER = {
  code: "store_unavailable",
  message: expect.stringMatching(/newer format .*deploy a newer version/),
}

/** How many fields records had before there were routes, and which of them counts timeouts. */
const FIELDS_BEFORE = 21
const TIMEOUTS = 13

/** A request that is claimed, and one that is not. */
async function fill(queue: TestQueue) {
  const [claimedId = "", id = ""] = await queue.enqueueEach({ priority: "high" }, {})
  return { id, claimedId, claimed: await queue.takeOne() }
}

describeQueue("data of a newer format", ({ open, store }) => {
  test("in meta: every operation refuses clearly and changes nothing", async () => {
    const queue = open({}, "spoiled")
    const { id, claimed } = await fill(queue)
    await queue.redis.hSet(queue.keys.meta, "version", "2")
    const before = await snapshot(queue)
    const operations = {
      enqueue: () => queue.enqueue([queue.newRequest()]),
      claim: () => queue.take(),
      settle: () => queue.settle([settlement(claimed, "completed")]),
      turn: () => queue.turn([settlement(claimed, "completed")], CLAIM),
      cancel: () => queue.cancel(id, null),
      stats: () => queue.stats(),
    }
    for (const [name, run] of Object.entries(operations)) {
      store().bridge.counters.reset()
      await expect(run(), name).rejects.toMatchObject(NEWER)
      // Asking again would not help.
      expect(store().bridge.counters.requests, name).toBe(1)
    }
    expect(await snapshot(queue)).toEqual(before)
  })

  test("in a record", async () => {
    const queue = open({}, "spoiled")
    const { id, claimed, claimedId } = await fill(queue)
    const { redis, keys } = queue
    for (const each of [id, claimedId]) {
      const packed = (await redis.hGet(keys.live, each)) ?? ""
      await redis.hSet(keys.live, each, packed.replace(/^2/, "3"))
    }
    await expect(queue.take()).rejects.toMatchObject(NEWER)
    await expect(queue.settle([settlement(claimed, "completed")])).rejects.toMatchObject(NEWER)
    await expect(queue.cancel(id, null)).rejects.toMatchObject(NEWER)
    await expect(queue.status(id, null)).rejects.toMatchObject(NEWER)
    await expect(queue.extend(claimed.lease, claimed.lease.expiresAt + 1)).rejects.toMatchObject(NEWER)
    // Nothing that came before it in the script was done by half.
    expect(await redis.zCard(keys.line("openai"))).toBe(1)
    expect(await redis.zCard(keys.leases("openai"))).toBe(1)
  })

  test("in a head, a body and an outcome", async () => {
    const queue = open({}, "spoiled")
    const { redis, keys } = queue
    const [head = "", body = "", outcome = ""] = await queue.enqueueEach({}, {}, { priority: "high" })
    await queue.settle([settlement(await queue.takeOne(), "failed")])
    const prefix = async (key: string) => redis.set(key, ((await redis.get(key)) ?? "").replace(/^1/, "2"))
    for (const key of [keys.head(head), keys.body(body), keys.outcome(outcome)]) await prefix(key)
    await expect(queue.status(head, null)).rejects.toMatchObject(NEWER)
    await expect(queue.status(body, null, { includeMessages: true })).rejects.toMatchObject(NEWER)
    await expect(queue.status(outcome, null)).rejects.toMatchObject(NEWER)
    await expect(queue.cancel(outcome, null)).rejects.toMatchObject(NEWER)
    await expect(queue.replay(outcome, null, { deadlineAt: null })).rejects.toMatchObject(NEWER)
    await expect(queue.take()).rejects.toMatchObject(NEWER)
  })

  test("tells nothing of what it holds", async () => {
    const queue = open({}, "spoiled")
    const [id = ""] = await queue.enqueueEach({ text: "a secret prompt", metadata: { m: "a secret word" } })
    const { redis, keys } = queue
    await redis.set(keys.head(id), `2{"secret":"head"}`)
    const error = await queue.status(id, null).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain("secret")
  })
})

describeQueue("records of the format before", ({ open }) => {
  /** As they were packed before there were routes: without a target, with a count of timeouts. */
  async function makeOld({ redis, keys }: TestQueue, ids: string[], timeouts = 0): Promise<void> {
    for (const id of ids) {
      const values = ((await redis.hGet(keys.live, id)) ?? "").split("|").slice(0, FIELDS_BEFORE)
      await redis.hSet(keys.live, id, ["1", ...values.slice(1)].with(TIMEOUTS, String(timeouts)).join("|"))
    }
  }

  test("are read, and what they tell is kept", async () => {
    const queue = open()
    const [leased = "", pending = "", lost = "", stopped = "", later = ""] = await queue.enqueueEach(
      ...[{ priority: "high" } as const, {}, { priority: "high" } as const, {}],
      { scheduledAt: queue.clock() + 1000 },
    )
    const [held, gone] = (await queue.take({ limit: 2 })).requests
    if (!held || !gone) throw new Error("not all were claimed")
    await makeOld(queue, [leased, pending, lost, stopped, later])
    expect(await queue.status(leased, null)).toMatchObject({ state: "processing" })
    expect(await queue.status(pending, null)).toMatchObject({ state: "pending", position: 1 })
    expect(await queue.settle([settlement(held, "completed")])).toEqual(["settled"])
    expect(await queue.cancel(stopped, null)).toMatchObject({ kind: "cancelled" })
    queue.clock.set(gone.lease.expiresAt)
    const { requests } = await queue.take()
    const target = { provider: "openai", model: "gpt-test" }
    expect(requests.map(({ lease }) => lease.requestId)).toEqual([lost, pending, later])
    for (const each of requests) expect(each).toMatchObject({ target, hasAlternative: false, timeouts: 0 })
    expect((await queue.status(lost, null))?.attempts).toMatchObject([{ number: 1, ...target }])
    await queue.settle(requests.map((each) => settlement(each, "failed")))
    expect(await queue.replay(lost, null, { deadlineAt: null })).toMatchObject({ kind: "replayed" })
    expect(await queue.takeOne()).toMatchObject({ lease: { requestId: lost, attempt: 3 }, target })
  })

  test("a timeout that they counted is one", async () => {
    const queue = open()
    const ids = await queue.enqueueEach({})
    await makeOld(queue, ids, 1)
    expect(await queue.takeOne()).toMatchObject({ timeouts: 1 })
  })
})

async function snapshot({ redis, name }: TestQueue) {
  const { ttls, ...raw } = await readRawQueue(redis, name)
  return { ...raw, texts: [...ttls.keys()].sort() }
}
