import { expect, test } from "vitest"
import { createAccess } from "../../src/queue/access.ts"
import { meterOf } from "../../src/queue/meter.ts"
import { completion, settlement } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"
import { dumpOf, restoreBackup, takeBackup } from "./dump.ts"

const CALLBACK = {
  url: "https://example.com/hook",
  events: ["request.completed"],
  includeResponse: false,
} as const

describeQueue("a backup and its restore", ({ store, open }) => {
  test("each state comes back under another name; leases become pending, and their attempt is told", async () => {
    const queue = open()
    const now = queue.clock()
    const [done = "", failed = "", retried = "", leased = ""] = await queue.enqueueEach(
      ...[
        { metadata: { trace: 'é "quoted" 語' }, callback: { ...CALLBACK, events: [...CALLBACK.events] } },
        {},
        {},
        {},
      ],
    )
    const { requests } = await queue.take()
    const byId = new Map(requests.map((each) => [each.lease.requestId, each]))
    const claimed = (id: string) => byId.get(id) ?? expect.unreachable(id)
    await queue.settle([
      settlement(claimed(done), "completed", { response: completion('an answer\nof 語 "lines"') }),
      settlement(claimed(failed), "failed"),
      settlement(claimed(retried), "retry", { dueAt: now + 5000 }),
    ])
    const [pending = "", scheduled = "", cancelled = "", other = ""] = await queue.enqueueEach(
      ...[{ deadlineAt: now + 90_000 }, { scheduledAt: now + 60_000 }, {}],
      { organizationId: "org-2", provider: "anthropic", priority: "high" },
    )
    await queue.cancel(cancelled, null)
    const all = [done, failed, retried, leased, pending, scheduled, cancelled, other]
    const before = await Promise.all(all.map((id) => queue.status(id, null, { includeMessages: true })))

    const { dump, footer } = await takeBackup(store(), queue.name)
    expect(footer.states).toEqual({
      "org-1": { scheduled: 2, pending: 1, processing: 1, completed: 1, failed: 1, cancelled: 1 },
      "org-2": { scheduled: 0, pending: 1, processing: 0, completed: 0, failed: 0, cancelled: 0 },
    })
    const copy = open({ name: `${queue.name}-copy`, clock: queue.clock })
    expect(await restoreBackup(store(), copy.name, dump)).toMatchObject({
      differences: [],
      left: { expired: 0, repeated: 0 },
    })

    const after = await Promise.all(all.map((id) => copy.status(id, null, { includeMessages: true })))
    expect(after.map((status) => status?.state)).toEqual([
      ...["completed", "failed", "scheduled", "pending", "pending", "scheduled", "cancelled", "pending"],
    ])
    const same = all.indexOf(leased)
    expect(after.filter((_, i) => i !== same).map(withoutEstimate)).toEqual(
      before.filter((_, i) => i !== same).map(withoutEstimate),
    )
    expect(after[same]?.attempts).toMatchObject([
      { number: 1, error: { code: "lease_expired" }, possiblyBilled: true },
    ])
    expect(await copy.stats()).toMatchObject({
      counts: { scheduled: 2, pending: 3, processing: 0, completed: 1, failed: 1, cancelled: 1 },
    })
    // Nothing starts before an operator says so.
    expect((await copy.take()).requests).toEqual([])
    await copy.setPaused(null, false)
    const taken = (await copy.take()).requests.map(({ lease }) => [lease.requestId, lease.attempt])
    expect(taken).toEqual([
      [other, 1],
      [leased, 2],
      [pending, 1],
    ])
    copy.clock.advance(60_000)
    expect((await copy.take()).requests.map(({ lease }) => lease.requestId)).toEqual([retried, scheduled])
    await copy.replay(failed, null, { deadlineAt: null })
    expect((await copy.takeOne()).lease).toMatchObject({ requestId: failed, attempt: 2 })
  })

  test("keys, audit, weights and whatever else there is come back as they were, with their ends", async () => {
    const queue = open({}, "spoiled")
    const { redis, keys } = queue
    const access = createAccess({ redis: store(), queueName: queue.name })
    const audit = { at: 1, action: "key.issued", keyId: "k", organizationId: null, target: null, ip: null }
    await access.audit(audit)
    await access.audit({ ...audit, at: 2 })
    await queue.setWeight("org-7", 3)
    const endsAt = Math.ceil(Date.now() / 1000) * 1000 + 3_600_000
    const unknown = (name: string) => keys.named(`later:${name}`)
    await redis.sendCommand(["SET", unknown("text"), '语 "x"\n', "PXAT", String(endsAt)])
    await redis.sendCommand(["ZADD", unknown("scores"), "1.5", "a", "9007199254740991", "b"])
    await redis.sendCommand(["SADD", unknown("members"), "a", "b"])
    const fields = Array.from({ length: 1500 }, (_, i) => [`f${i}`, `v${i}`]).flat()
    await redis.sendCommand(["HSET", unknown("hash"), ...fields])
    await redis.sendCommand(["PEXPIREAT", unknown("hash"), String(endsAt)])

    const { dump } = await takeBackup(store(), queue.name)
    const copy = open({ name: `${queue.name}-copy` }, "spoiled")
    expect((await restoreBackup(store(), copy.name, dump)).differences).toEqual([])
    const there = (name: string) => copy.keys.named(`later:${name}`)
    expect(await redis.get(there("text"))).toBe('语 "x"\n')
    expect(await redis.pExpireTime(there("text"))).toBe(endsAt)
    expect(await redis.pExpireTime(there("hash"))).toBe(endsAt)
    expect(await redis.hLen(there("hash"))).toBe(1500)
    expect(await redis.zRangeWithScores(there("scores"), 0, -1)).toEqual([
      { value: "a", score: 1.5 },
      { value: "b", score: 9007199254740991 },
    ])
    expect((await redis.sMembers(there("members"))).sort()).toEqual(["a", "b"])
    expect(await redis.hGet(copy.keys.meta, "weight:org-7")).toBe("3")
    const copied = createAccess({ redis: store(), queueName: copy.name })
    expect((await copied.listAudit(10, null)).data).toEqual((await access.listAudit(10, null)).data)
  })

  test("what is past its time is left out, and counted", async () => {
    const queue = open()
    const [short = "", long = ""] = await queue.enqueueEach(
      { resultTtlSeconds: 60 },
      { resultTtlSeconds: 86_400 },
    )
    await queue.cancel(short, null)
    await queue.cancel(long, null)
    const { dump } = await takeBackup(store(), queue.name)
    const copy = open({ name: `${queue.name}-copy`, clock: queue.clock })
    const later = queue.clock() + 3_600_000
    expect(await restoreBackup(store(), copy.name, dump, { clock: () => later })).toMatchObject({
      ...{ differences: [], left: { expired: 1 }, states: { "org-1": { cancelled: 1 } } },
    })
    expect(await copy.status(short, null)).toBeNull()
    expect(await copy.status(long, null)).toMatchObject({ state: "cancelled" })
  })

  test("a request that was only to be failed is failed for its reason", async () => {
    const queue = open()
    const [late = ""] = await queue.enqueueEach({ deadlineAt: queue.clock() + 1000 })
    queue.clock.advance(2000)
    expect((await queue.take()).overdue).toHaveLength(1)
    const { dump } = await takeBackup(store(), queue.name, { clock: queue.clock })
    const copy = open({ name: `${queue.name}-copy`, clock: queue.clock })
    await restoreBackup(store(), copy.name, dump, { clock: queue.clock })
    copy.clock.advance(1)
    const { overdue } = await copy.take()
    expect(overdue).toMatchObject([{ lease: { requestId: late }, reason: "deadline_exceeded" }])
    await copy.settle(overdue.map((each) => settlement(each, "failed")))
    expect(await copy.status(late, null)).toMatchObject({
      state: "failed",
      error: { code: "deadline_exceeded" },
    })
  })

  test("only an empty queue is taken, and only a whole dump", async () => {
    const queue = open()
    await queue.enqueueEach({}, {})
    const { dump } = await takeBackup(store(), queue.name)
    await expect(restoreBackup(store(), queue.name, dump)).rejects.toThrow("is not empty")
    expect(await queue.stats()).toMatchObject({ counts: { pending: 2 } })
    const target = open({ name: `${queue.name}-copy` })
    const spoiled = [
      dumpOf(dump.texts.slice(0, -1)),
      dumpOf(dump.texts.filter((_, i) => i !== 1)),
      dumpOf(dump.texts.map((text) => text.replace("edge queue", "edge cue"))),
      dumpOf(dump.texts.map((text) => text.replace('"format":1', '"format":2'))),
      dumpOf([...dump.texts, "{}"]),
    ]
    for (const each of spoiled) {
      await expect(restoreBackup(store(), target.name, each)).rejects.toThrow("not a whole backup")
    }
    expect(await target.redis.exists(target.keys.meta)).toBe(0)
  })

  test("commands that were counted before do not make a queue one, nor do those of another store count", async () => {
    const queue = open()
    await queue.enqueueEach({})
    await queue.redis.hIncrBy(queue.keys.meta, "untold", 1_000_000)
    const { dump } = await takeBackup(store(), queue.name)
    const copy = open({ name: `${queue.name}-copy` })
    // They go along with the first command.
    meterOf(store().url, copy.name).add(1000)
    expect((await restoreBackup(store(), copy.name, dump)).differences).toEqual([])
    const { today, yesterday } = (await copy.stats()).commands
    expect(today).toBeGreaterThanOrEqual(1000)
    expect(today + yesterday).toBeLessThan(2000)
  })

  test("what the restored queue does not hold is told", async () => {
    const queue = open()
    const [lost = ""] = await queue.enqueueEach({}, {}, {})
    const { dump } = await takeBackup(store(), queue.name)
    const copy = open({ name: `${queue.name}-copy` }, "spoiled")
    const total = dump.texts.length
    await restoreBackup(store(), copy.name, dump)
    await copy.redis.zRem(copy.keys.line("openai"), lost)
    await copy.redis.del(copy.keys.body(lost))
    expect((await restoreBackup(store(), copy.name, dump, { done: total })).differences).toEqual([
      { organizationId: null, what: "missing bodies", expected: 0, found: 1 },
      { organizationId: "org-1", what: "pending", expected: 3, found: 2 },
    ])
  })
})

function withoutEstimate<Status extends object | null>(status: Status) {
  return status && { ...status, estimatedStartAt: null, position: null }
}
