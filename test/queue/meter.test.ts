import fc from "fast-check"
import { expect, test } from "vitest"
import { newBatch } from "../../src/batches/new-batch.ts"
import { newOperationId } from "../../src/core/ids.ts"
import type { LogFields } from "../../src/core/log.ts"
import { createAccess } from "../../src/queue/access.ts"
import { createBatches } from "../../src/queue/batches.ts"
import { createChores } from "../../src/queue/chores.ts"
import { createFiles } from "../../src/queue/files.ts"
import { meterOf } from "../../src/queue/meter.ts"
import { createWebhookStore } from "../../src/queue/webhooks.ts"
import { countCommands } from "../helpers/count.ts"
import { CLAIM, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const RUNS = 8
const DAY_MS = 86_400_000

describeQueue("the meter", ({ open, store, kind, loseAnswerOf }) => {
  /** Everything that sends commands, in as many ways as there are. */
  function operations(queue: TestQueue) {
    const { url, token } = store()
    const { name: queueName, clock } = queue
    const common = { redis: { url, token }, queueName, clock, random: () => 0 }
    const access = createAccess(common)
    const chores = createChores(common)
    const batches = createBatches(common)
    const files = createFiles({ ...common, settings: { maxFileBytesPerOrganization: 1e9 } })
    const { deliveries } = createWebhookStore(common)
    const audit = { at: clock(), action: "a", keyId: "k", organizationId: null, target: null, ip: null }
    const ids: string[] = []
    const enqueue = async (...requests: Parameters<TestQueue["newRequest"]>) => {
      const request = queue.newRequest(...requests)
      ids.push(request.head.requestId)
      await queue.enqueue([request])
    }
    const some = () => ids[Math.floor(ids.length / 2)] ?? queue.newRequest().head.requestId
    const settleAll = (requests: Parameters<typeof settlement>[0][]) =>
      requests.map((each, i) =>
        settlement(each, (["completed", "failed", "retry", "return"] as const)[i % 4] ?? "note"),
      )
    return {
      enqueue: () => enqueue({ deadlineAt: clock() + 200_000 }),
      later: () =>
        enqueue({
          scheduledAt: clock() + 60_000,
          callback: { url: "https://a.example/", events: ["request.completed"], includeResponse: false },
        }),
      bulk: () =>
        queue.enqueue(Array.from({ length: 30 }, () => queue.newRequest({ organizationId: "org-2" }))),
      again: () =>
        queue.enqueueOnce([queue.newRequest()], { organizationId: "org-1", keyHash: "ab", bodyHash: "cd" }),
      newLine: () =>
        enqueue({ fallbacks: [{ provider: "anthropic", model: "claude" }], metadata: { a: "b" } }),
      claim: () => queue.take({ limit: 3 }),
      settle: async () => {
        const { requests, overdue } = await queue.take({ limit: 8 })
        await queue.settle(settleAll([...requests, ...overdue]))
      },
      turn: async () => {
        const { requests, overdue } = await queue.take({ limit: 8 })
        await queue.turn(settleAll([...requests, ...overdue]), { ...CLAIM, limit: 2 })
      },
      cancel: () => queue.cancel(some(), null, audit),
      replay: () => queue.replay(some(), null, { deadlineAt: null }, audit),
      status: () => queue.status(some(), null, { includeMessages: true }),
      glance: () => queue.glanceAtText(some(), { attempt: 1, offset: 0 }),
      watch: () => queue.watch(some(), clock() + 1000),
      stats: () => queue.stats(),
      pulse: () => queue.pulse(),
      health: () => queue.health(),
      list: () => queue.list({ state: null, organizationId: "org-1", limit: 20, cursor: null }),
      keys: async () => {
        const key = {
          keyId: "k1",
          name: "n",
          organizationId: "org-1",
          sha256: "ab",
          createdAt: 0,
          expiresAt: null,
        }
        await access.issueKey({ ...key, scopes: [], maxPriority: null, ratePerMinute: null }, audit)
        await access.takeRate("k1", clock(), 1, 10)
        await access.listKeys()
        await access.revokeKey("k1", audit)
        await access.listAudit(5, null)
      },
      levers: async () => {
        await queue.setLimits("openai", { rpm: 6000 }, audit)
        await queue.setPaused("anthropic", true)
        await queue.setPaused("anthropic", false, audit)
        await queue.setWeight("org-1", 2)
        await queue.providers()
      },
      chores: async () => {
        await chores.put("batch|b1", clock())
        for (const chore of (await chores.take(1, 1000)).chores) await chores.settle(chore, null)
      },
      files: async () => {
        const fileId = files.newFileId()
        await files.reserve("org-1", fileId, 100, Date.now() + 3_600_000)
        const written = await files.append(fileId, { chunks: 0, bytes: 0 }, "{}", Date.now() + 3_600_000)
        const file = {
          fileId,
          organizationId: "org-1",
          filename: "a.jsonl",
          purpose: "batch",
          lifeSeconds: 3600,
        }
        await files.finish({ ...file, purpose: "batch" }, written, { reserved: { id: fileId, bytes: 100 } })
        await files.find(fileId, "org-1")
      },
      batches: async () => {
        const asked = {
          organizationId: "org-1",
          endpoint: "/v1/chat/completions",
          inputFileId: "f",
          inputBytes: 1,
        }
        const config = { maxPending: 10, maxPendingPerOrganization: 10 }
        const ask = { ...asked, metadata: null, outputTtlSeconds: 60 }
        const batch = newBatch("openai", ask, { batches, config, now: clock() })
        await batches.create(batch, { organizationId: "org-1", keyHash: newOperationId(), bodyHash: "ef" })
        await batches.claimCustomIds(batch.batchId, [{ customId: "a", line: 1 }])
        await batches.outcomes([some()], 1000)
        await batches.cancel({ revision: 1, batch }, batch)
      },
      deliveries: () => deliveries.read(some()),
      time: async () => clock.advance(30_000),
      maintain: async () => {
        clock.advance(100_000)
        await queue.maintain()
      },
      forgottenScripts: () => store().redis.sendCommand(["SCRIPT", "FLUSH"]),
    }
  }

  /** What the queue has been told of; whatever this process knows beyond is told first. */
  async function metered(queue: TestQueue): Promise<number> {
    const [spent, untold] = await queue.redis.hmGet(queue.keys.meta, ["spent", "untold"])
    const [, today, yesterday] = String(spent).split(" ").map(Number)
    return (today ?? 0) + (yesterday ?? 0) + Number(untold || 0)
  }

  test.runIf(kind === "redis")(
    "counts every command exactly once, whatever is done",
    async () => {
      const names = Object.keys(operations(open())) as (keyof ReturnType<typeof operations>)[]
      const mix = fc.array(fc.constantFrom(...names), { minLength: 5, maxLength: 20 })
      const property = fc.asyncProperty(mix, async (chosen) => {
        const queue = open({ settings: { fairShareMs: 4 } })
        const doing = operations(queue)
        const { total, byName } = await countCommands(queue.redis, async () => {
          for (const name of chosen) await doing[name]()
          await queue.take({ limit: 0 })
        })
        expect(await metered(queue)).toBe(total - (byName["script|flush"] ?? 0))
      })
      await fc.assert(property, { numRuns: RUNS, examples: [[names]] })
    },
    120_000,
  )

  test.runIf(kind === "redis")("counts what several do at the same time", async () => {
    const queue = open()
    const doing = operations(queue)
    const { total } = await countCommands(queue.redis, async () => {
      await queue.enqueue(Array.from({ length: 30 }, () => queue.newRequest()))
      const all = [doing.status, doing.turn, doing.stats, doing.files, doing.enqueue, doing.list, doing.claim]
      await Promise.all([...all, ...all, ...all].map((run) => run()))
      await queue.take({ limit: 0 })
    })
    expect(await metered(queue)).toBe(total)
  })

  test("a process that only reads tells of it by itself, and again", async () => {
    const queue = open()
    await queue.enqueueEach({})
    for (let round = 0; round < 2; round++) {
      const before = await metered(queue)
      const unknown = queue.newRequest().head.requestId
      for (let i = 0; i < 60; i++) await queue.glanceAtText(unknown, { attempt: 1, offset: 0 })
      const after = await metered(queue)
      expect(after - before).toBeGreaterThanOrEqual(100)
      expect(await queue.redis.hGet(queue.keys.meta, "untold")).not.toBe("0")
      expect((await queue.stats()).commands).toMatchObject({ today: after, yesterday: 0, budget: null })
      await queue.take({ limit: 0 })
      expect(await queue.redis.hGet(queue.keys.meta, "untold")).toBe("0")
    }
  })

  test("what goes along with a lost answer is told again", async () => {
    const queue = open()
    const meter = meterOf(store().url, queue.name)
    meter.add(1000)
    loseAnswerOf("enqueue")
    await queue.enqueueEach({})
    // Once by the try that was executed. The second, which found it stored, has kept what it was to tell.
    expect(await metered(queue)).toBeGreaterThanOrEqual(1000)
    await queue.take({ limit: 0 })
    const told = await metered(queue)
    expect(told).toBeGreaterThanOrEqual(2000)
    expect(told).toBeLessThan(2100)
  })

  test("what a script could not tell stays to be told", async () => {
    const queue = open()
    const meter = meterOf(store().url, queue.name)
    const request = queue.newRequest()
    await queue.enqueue([request])
    const before = await metered(queue)
    meter.add(50)
    await queue.enqueue([request])
    expect(await metered(queue)).toBe(before)
    await queue.take({ limit: 0 })
    expect(await metered(queue)).toBeGreaterThanOrEqual(before + 50)
  })

  test("the minute counts what the day does, and more than nothing", async () => {
    const queue = open()
    queue.clock.set(Math.ceil(queue.clock() / 60_000) * 60_000)
    await queue.enqueueEach({})
    await queue.take({ limit: 0 })
    const told = await metered(queue)
    expect((await queue.stats()).commands.lastMinute).toBe(0)
    queue.clock.advance(60_000)
    const { commands } = await queue.pulse()
    expect(commands.lastMinute).toBe(told)
    expect(commands.today).toBe(told)
    queue.clock.advance(60_000)
    expect((await queue.stats()).commands.lastMinute).toBe(0)
  })

  test("days follow each other, and clocks that differ do not take one back", async () => {
    const midnight = (Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS
    const queue = open()
    queue.clock.set(midnight - 1000)
    await queue.take()
    await queue.take()
    const { today } = (await queue.stats()).commands
    expect(today).toBeGreaterThan(0)
    queue.clock.set(midnight + 1000)
    // Nothing has been written since, yet it is another day.
    expect((await queue.stats()).commands).toMatchObject({ today: 0, yesterday: today })
    await queue.take()
    const next = (await queue.stats()).commands
    expect(next.yesterday).toBe(today)
    expect(next.today).toBeGreaterThan(0)
    queue.clock.set(midnight - 500)
    await queue.take()
    queue.clock.set(midnight + 2000)
    const last = (await queue.stats()).commands
    expect(last.yesterday).toBe(today)
    expect(last.today).toBeGreaterThan(next.today)
    queue.clock.advance(2 * DAY_MS)
    expect((await queue.stats()).commands).toMatchObject({ today: 0, yesterday: 0 })
  })

  test("a clock that is days ahead holds no later day up", async () => {
    const queue = open()
    await queue.take()
    queue.clock.advance(400 * DAY_MS)
    await queue.take()
    queue.clock.advance(-400 * DAY_MS)
    await queue.take()
    const { today } = (await queue.stats()).commands
    queue.clock.advance(DAY_MS)
    expect((await queue.stats()).commands).toMatchObject({ today: 0, yesterday: today })
  })

  test("says once a day that little is left, and once that nothing is, and refuses nothing", async () => {
    const said: [string, string, LogFields | undefined][] = []
    const note = (level: string) => (event: string, fields?: LogFields) => said.push([level, event, fields])
    const log = { info: note("info"), warn: note("warn"), error: note("error") }
    const queue = open({ settings: { commandBudget: 1000 }, log })
    const meter = meterOf(store().url, queue.name)
    await queue.take()
    expect(queue.isSparing()).toBe(false)
    meter.add(800)
    await queue.enqueueEach({})
    expect(queue.isSparing()).toBe(true)
    await queue.take()
    expect(said).toEqual([["warn", "command_budget", { today: expect.any(Number), budget: 1000 }]])
    meter.add(200)
    const [id = ""] = await queue.enqueueEach({}, {})
    expect(said.slice(1)).toEqual([["error", "command_budget", { today: expect.any(Number), budget: 1000 }]])
    expect((await queue.status(id, null))?.state).toBe("pending")
    expect((await queue.stats()).commands.today).toBeGreaterThan(1000)
    queue.clock.advance(DAY_MS)
    expect(queue.isSparing()).toBe(false)
    await queue.take()
    expect(queue.isSparing()).toBe(false)
    meter.add(900)
    await queue.take()
    expect(said).toHaveLength(3)
  })
})
