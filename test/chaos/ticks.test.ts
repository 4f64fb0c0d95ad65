import { setTimeout as wait } from "node:timers/promises"
import { describe, expect, test } from "vitest"
import { startSimulator } from "../../dev/simulator/simulator.ts"
import { findRedisServer } from "../../dev/store-redis.ts"
import { createIdGenerator } from "../../src/core/ids.ts"
import { PRIORITIES } from "../../src/core/request.ts"
import { runTick } from "../../src/drain/run-tick.ts"
import { eventually } from "../helpers/eventually.ts"
import { newRequest } from "../helpers/queue.ts"
import { startTestStore } from "../helpers/store.ts"
import { openStack } from "../scale/stack.ts"
import { effort } from "./effort.ts"
import { settleAccounts } from "./processes/account.ts"
import { recordFault } from "./tally.ts"

const [SPAN_MS, BULK] = [effort(5_000, 60_000), 10]
const TICK_EVERY_MS = 250
const SETTINGS = { DRAIN_LANES: "0", DRAIN_CONCURRENCY: "10", RETRY_BASE_MS: "100" }

/** How often the cron comes in one turn, and how late, ms, again and again: a schedule promises neither. */
const TURNS = [
  ...[
    { ticks: 1, lateMs: 0 },
    { ticks: 0, lateMs: 0 },
    { ticks: 2, lateMs: 0 },
    { ticks: 1, lateMs: 700 },
  ],
  ...[
    { ticks: 0, lateMs: 0 },
    { ticks: 0, lateMs: 0 },
    { ticks: 3, lateMs: 300 },
  ],
]

describe.skipIf(findRedisServer() === null)("a cron without lanes, in two isolates", () => {
  test(
    "that comes twice, late, or not at all calls each request once",
    async ({ onTestFinished }) => {
      const store = await startTestStore("redis")
      const simulator = await startSimulator({ latencyMs: 60, tokens: 10, tokensPerSecond: 0 })
      onTestFinished(async () => {
        await simulator.close()
        await store.close()
      })
      const open = () =>
        openStack({
          ...{
            store: { url: store.url, token: store.token },
            simulatorUrl: simulator.url,
            queueName: "ticks",
          },
          env: SETTINGS,
        })
      const [api, ...isolates] = [open(), open(), open()]
      const newId = createIdGenerator(() => Date.now())
      const texts = new Map<string, string>()
      const seen = { skipped: 0, doubled: 0, late: 0 }
      const ticks: Promise<unknown>[] = []
      const tick = async (lateMs: number) => {
        await wait(lateMs)
        await Promise.all(isolates.map(({ deps }) => (Math.random() < 0.7 ? runTick(deps) : null)))
      }

      const build = (i: number) => {
        const [requestId, text] = [newId(), `ticked ${texts.size}`]
        texts.set(requestId, text)
        const priority = PRIORITIES[i % PRIORITIES.length] ?? "normal"
        const scheduledAt = i % 3 === 0 ? Date.now() + 500 + 200 * i : null
        const trouble = i % 5 === 0 ? " [[sim: error=conflict times=1]]" : ""
        return newRequest({ requestId, text: text + trouble, priority, scheduledAt })
      }
      for (let turn = 0; turn * TICK_EVERY_MS < SPAN_MS; turn++) {
        await api.queue.enqueue(Array.from({ length: BULK }, (_, i) => build(i)))
        const { ticks: count, lateMs } = TURNS[turn % TURNS.length] ?? { ticks: 1, lateMs: 0 }
        seen.skipped += Number(count === 0)
        seen.doubled += Math.max(0, count - 1)
        seen.late += Number(count > 0 && lateMs > 0)
        for (let i = 0; i < count; i++) ticks.push(tick(lateMs))
        await wait(TICK_EVERY_MS)
      }
      const isOver = async () => {
        await tick(0)
        return (await api.queue.stats()).counts.completed === texts.size
      }
      await eventually(isOver, { withinMs: 30_000, everyMs: TICK_EVERY_MS })
      await Promise.all(ticks)

      const { redis } = store
      const now = Date.now()
      const run = { queue: api.queue, queueName: "ticks", redis, now, texts, calls: simulator.calls }
      const { statuses, lost, doubled, expired } = await settleAccounts(run)
      expect({ lost, doubled, expired }).toEqual({ lost: 0, doubled: 0, expired: 0 })
      const attempts = statuses.reduce((sum, status) => sum + status.attempts.length, 0)
      expect(simulator.calls).toHaveLength(attempts)
      const rows = {
        skipped: "left out",
        doubled: "doubled, in one isolate and in two",
        late: "late",
      } as const
      for (const [kind, name] of Object.entries(rows)) {
        recordFault({
          table: "processes",
          fault: `cron ticks ${name}`,
          ...{ tried: seen[kind as keyof typeof seen], lost, doubled },
          seen: `${texts.size} requests, ${attempts} attempts, as many calls`,
        })
      }
    },
    effort(45_000, 120_000),
  )
})
