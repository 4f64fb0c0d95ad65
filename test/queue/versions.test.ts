import { expect, test } from "vitest"
import { CLAIM, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"
import { readRawQueue } from "../helpers/raw-queue.ts"

const UNREADABLE = {
  code: "store_unavailable",
  message: expect.stringMatching(/a format that this version cannot read .*deploy the version that wrote it/),
}

/** A request that is claimed, and one that is not. */
async function fill(queue: TestQueue) {
  const [claimedId = "", id = ""] = await queue.enqueueEach({ priority: "high" }, {})
  return { id, claimedId, claimed: await queue.takeOne() }
}

describeQueue("data of another format", ({ open, store }) => {
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
      await expect(run(), name).rejects.toMatchObject(UNREADABLE)
      // Asking again would not help.
      expect(store().bridge.counters.requests, name).toBe(1)
    }
    expect(await snapshot(queue)).toEqual(before)
  })

  test.each(["4", "6"])("in a record of version %s", async (version) => {
    const queue = open({}, "spoiled")
    const { id, claimed, claimedId } = await fill(queue)
    const { redis, keys } = queue
    for (const each of [id, claimedId]) {
      const packed = (await redis.hGet(keys.live, each)) ?? ""
      await redis.hSet(keys.live, each, packed.replace(/^5/, version))
    }
    await expect(queue.take()).rejects.toMatchObject(UNREADABLE)
    await expect(queue.settle([settlement(claimed, "completed")])).rejects.toMatchObject(UNREADABLE)
    await expect(queue.cancel(id, null)).rejects.toMatchObject(UNREADABLE)
    await expect(queue.status(id, null)).rejects.toMatchObject(UNREADABLE)
    await expect(queue.extend(claimed.lease, claimed.lease.expiresAt + 1)).rejects.toMatchObject(UNREADABLE)
    // Nothing that came before it in the script was done by half.
    expect(await redis.zCard(keys.line("openai"))).toBe(1)
    expect(await redis.zCard(keys.leases("openai"))).toBe(1)
  })

  test("in metadata, a body and an outcome", async () => {
    const queue = open({}, "spoiled")
    const { redis, keys } = queue
    const asked = [{ metadata: { m: "n" } }, {}, { priority: "high" } as const]
    const [metadata = "", body = "", outcome = ""] = await queue.enqueueEach(...asked)
    await queue.settle([settlement(await queue.takeOne(), "failed")])
    const prefix = async (key: string) => redis.set(key, ((await redis.get(key)) ?? "").replace(/^[12]/, "3"))
    for (const key of [keys.metadata(metadata), keys.body(body), keys.outcome(outcome)]) await prefix(key)
    await expect(queue.status(metadata, null)).rejects.toMatchObject(UNREADABLE)
    await expect(queue.status(body, null, { includeMessages: true })).rejects.toMatchObject(UNREADABLE)
    await expect(queue.status(outcome, null)).rejects.toMatchObject(UNREADABLE)
    await expect(queue.cancel(outcome, null)).rejects.toMatchObject(UNREADABLE)
    await expect(queue.replay(outcome, null, { deadlineAt: null })).rejects.toMatchObject(UNREADABLE)
    await expect(queue.take()).rejects.toMatchObject(UNREADABLE)
  })

  test("tells nothing of what it holds", async () => {
    const queue = open({}, "spoiled")
    const [id = ""] = await queue.enqueueEach({ text: "a secret prompt", metadata: { m: "a secret word" } })
    const { redis, keys } = queue
    await redis.set(keys.metadata(id), `3{"secret":"metadata"}`)
    const error = await queue.status(id, null).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain("secret")
  })
})

async function snapshot({ redis, name }: TestQueue) {
  const { ttls, ...raw } = await readRawQueue(redis, name)
  return { ...raw, texts: [...ttls.keys()].sort() }
}
