import { expect, test } from "vitest"
import { parseConfig } from "../../src/core/config.ts"
import { createQueue } from "../../src/queue/queue.ts"
import { eventually } from "../helpers/eventually.ts"
import { spawnWorkers } from "./spawn.ts"
import { describeWorkers, type Scene } from "./suite.ts"

const texts = (count: number, directive: string) =>
  Array.from({ length: count }, (_, i) => `ask ${i} ${directive}`)

const ended = (s: Scene) => s.simulator.calls.filter(({ result }) => result === "completed").length

describeWorkers("workers as processes", (scene, kind) => {
  test("SIGTERM under load: what is in work is finished in time, nothing is lost, nothing called twice", async () => {
    const s = await scene()
    const maxProcessingTime = 5000
    const worker = await spawnWorkers(2, { ...s.settings, concurrency: 4, maxProcessingTime })
    const ids = await s.enqueue(...texts(60, "[[sim: latencyMs=300]]"))
    await eventually(() => ended(s) >= 8)
    await eventually(() => s.simulator.inFlight.openai >= 4)
    const before = Date.now()
    worker.kill("SIGTERM")
    const { code, processed, errors } = await worker.exited
    expect(Date.now() - before).toBeLessThan(maxProcessingTime)
    expect([code, errors]).toEqual([0, ""])

    const called = s.simulator.calls.length
    expect(s.simulator.calls.every(({ result }) => result === "completed")).toBe(true)
    expect(called).toBeLessThan(60)
    expect(processed.reduce((sum, count) => sum + count)).toBe(called)
    await s.start(1, { concurrency: 10 })
    const statuses = await s.ended(ids, "completed", 30_000)
    expect(statuses.map(({ attempts }) => attempts.length)).toEqual(ids.map(() => 1))
    expect(s.simulator.calls).toHaveLength(60)
  }, 60_000)

  test("SIGTERM with calls that take longer: exit in time, and the rest goes back at once", async () => {
    const s = await scene()
    const worker = await spawnWorkers(1, { ...s.settings, concurrency: 4, maxProcessingTime: 2000 })
    const ids = await s.enqueue(...texts(8, "[[sim: latencyMs=20000 times=1]]"))
    await eventually(() => s.simulator.inFlight.openai === 4)
    const before = Date.now()
    worker.kill("SIGTERM")
    expect(await worker.exited).toMatchObject({ code: 0, processed: [0], errors: "" })
    expect(Date.now() - before).toBeLessThan(2000)
    expect((await s.statuses(ids)).map((status) => status?.state)).toEqual(ids.map(() => "pending"))
    await eventually(() => s.simulator.calls.every(({ result }) => result === "aborted"))
  }, 30_000)

  test("SIGKILL under load: the leases return, and what was in work is called again", async () => {
    const s = await scene()
    const worker = await spawnWorkers(1, { ...s.settings, concurrency: 5 })
    const ids = await s.enqueue(...texts(20, "[[sim: latencyMs=400]]"))
    await eventually(() => ended(s) >= 5 && s.simulator.inFlight.openai >= 3)
    worker.kill("SIGKILL")
    expect(await worker.exited).toMatchObject({ signal: "SIGKILL" })
    const before = s.simulator.calls.length
    const states = (await s.statuses(ids)).map((status) => status?.state)
    const leased = states.filter((state) => state === "processing").length
    expect(leased).toBeGreaterThanOrEqual(3)

    await takeBackLeases(s)
    const [successor] = await s.start(1, { concurrency: 10 })
    const statuses = await s.ended(ids, "completed", 30_000)
    expect(successor?.getStats().processed).toBe(20 - states.filter((state) => state === "completed").length)
    const lost = statuses.filter(({ attempts }) => attempts.length === 2)
    expect(lost).toHaveLength(leased)
    expect(lost.map(({ attempts }) => attempts.map(({ result }) => result))).toEqual(
      lost.map(() => ["lease_expired", "completed"]),
    )
    expect(s.simulator.calls.length).toBe(before + leased + (20 - states.filter(isTouched).length))
  }, 60_000)

  test.runIf(kind === "redis")(
    "three processes share one queue fairly",
    async () => {
      const s = await scene()
      const processes = await Promise.all(
        [1, 2, 3].map(() => spawnWorkers(1, { ...s.settings, concurrency: 2 })),
      )
      const ids = await s.enqueue(...texts(120, "[[sim: latencyMs=40]]"))
      const statuses = await s.ended(ids, "completed", 40_000)
      for (const each of processes) each.kill("SIGTERM")
      const shares = (await Promise.all(processes.map(({ exited }) => exited))).flatMap(
        ({ processed }) => processed,
      )
      expect(statuses.map(({ attempts }) => attempts.length)).toEqual(ids.map(() => 1))
      expect(s.simulator.calls).toHaveLength(120)
      expect(shares.reduce((sum, count) => sum + count)).toBe(120)
      expect(Math.min(...shares)).toBeGreaterThanOrEqual(24)
    },
    60_000,
  )
})

const isTouched = (state: string | undefined) => state === "completed" || state === "processing"

/** What a claim does when they have run out, two minutes sooner. */
async function takeBackLeases({ settings: { redis, queueName, env } }: Scene): Promise<void> {
  const variables = { ...env, UPSTASH_REDIS_REST_URL: redis.url, UPSTASH_REDIS_REST_TOKEN: redis.token }
  const { config } = parseConfig(variables, "library")
  if (config === null) throw new Error("the settings are bad")
  const queue = createQueue({
    ...{ redis, queueName, settings: { ...config, providers: Object.keys(config.providers) } },
    clock: () => Date.now() + 120_000,
  })
  await queue.claim({ owner: "test:1", limit: 0, maxBytes: 1, maxTimeoutMs: 600_000 })
}
