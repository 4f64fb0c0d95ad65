import { describe, expect, test } from "vitest"
import { findRedisServer } from "../../dev/store-redis.ts"
import { eventually } from "../helpers/eventually.ts"
import { openScene } from "../scale/scene.ts"
import { effort } from "./effort.ts"
import { startKillableStore } from "./killable-store.ts"
import { settleAccounts } from "./processes/account.ts"
import { recordFault } from "./tally.ts"

const FACTOR = 10
const [STRETCH, SPAN_MS] = [0.5, effort(60_000, 300_000)]
const CRASH_EVERY_MS = 15_000
const SETTINGS = { MAX_PROCESSING_TIME_MS: "30000" }

describe.skipIf(findRedisServer() === null)(
  "a store that is killed under load, and comes back with its append-only file",
  () => {
    test(
      "has kept all that was accepted, and every answer reaches it",
      async ({ onTestFinished }) => {
        const store = await startKillableStore()
        const scene = await openScene({ factor: FACTOR, env: SETTINGS, store })
        onTestFinished(() => scene.close())
        await scene.script({
          behaviour: { headersLatencyMs: 50, latencyMs: 150, tokens: 10, tokensPerSecond: 0 },
        })
        const { queue, replay, startFleet } = scene.open("store-crash")
        await Promise.all([startFleet([0, 1]), startFleet([2, 3])])
        let [crashes, isOver] = [0, false]
        const crashing = (async () => {
          while (!isOver) {
            await scene.pass(CRASH_EVERY_MS * (0.5 + Math.random()))
            await store.kill()
            await store.start("kept")
            crashes += 1
          }
        })()
        const texts = new Map<string, string>()
        await replay(
          SPAN_MS,
          () => {
            const [requestId, text] = [scene.newId(), `request ${texts.size}`]
            texts.set(requestId, text)
            return { requestId, text }
          },
          STRETCH,
        )
        isOver = true
        await crashing
        const ended = async () => (await queue.stats()).counts.completed === texts.size
        await eventually(ended, { withinMs: 60_000, everyMs: 500 })

        const [now, calls] = [scene.clock(), await scene.calls()]
        const run = { queue, queueName: "store-crash", redis: store.redis, now, texts, calls }
        const { completed, again, expired, lost, doubled } = await settleAccounts(run)
        expect({ lost, doubled, completed }).toEqual({ lost: 0, doubled: 0, completed: texts.size })
        expect(crashes).toBeGreaterThan(1)
        recordFault({
          table: "processes",
          fault: "SIGKILL of the store, restart from its AOF",
          ...{ tried: crashes, lost, doubled },
          seen: `${completed} completed; ${calls.length} calls, ${again} of them again; ${expired} attempts recorded as lease_expired; enqueues repeated until answered`,
        })
        console.info(
          `${crashes} crashes, ${texts.size} requests, ${calls.length} calls, ${again} again, ${expired} expired`,
        )
      },
      effort(60_000, 180_000),
    )
  },
)
