import { afterEach, describe, expect, test } from "vitest"
import { median } from "../../bench/median.ts"
import { findRedisServer } from "../../dev/store-redis.ts"
import { PRIORITIES } from "../../src/core/request.ts"
import { eventually } from "../helpers/eventually.ts"
import { openScene } from "../scale/scene.ts"
import { effort } from "./effort.ts"
import { settleAccounts } from "./processes/account.ts"
import { outOfOrder, waits } from "./processes/order.ts"
import { recordFault } from "./tally.ts"

/** A lease that was lost comes back after six seconds. */
const FACTOR = 10
/** The trace in half its time, 68 requests a second of the machine's; so often. */
const [STRETCH, SPAN_MS, ROUNDS] = [0.5, effort(150_000, 300_000), effort(1, 3)]
const KILL_EVERY_MS = 8_000
const SKEW_MS = 2_000
/** What clocks may differ by, for how long a drain may hold what it has claimed, and what the machine may be late by. */
const ORDER_TOLERANCE_MS = 2 * SKEW_MS + 20_000 + FACTOR * 500
/** Just enough to keep up while nobody is killed. */
const SETTINGS = { DRAIN_CONCURRENCY: "3", MAX_PROCESSING_TIME_MS: "30000" }

describe.skipIf(findRedisServer() === null)(
  "two stacks and workers in Node on one store, killed again and again",
  () => {
    let scene: Awaited<ReturnType<typeof openScene>>
    afterEach(() => scene.close())

    test(
      "lose nothing, decide each request once, keep the order, and call again only what a kill interrupted",
      async () => {
        scene = await openScene({ factor: FACTOR, env: SETTINGS })
        await scene.script({
          behaviour: { headersLatencyMs: 50, latencyMs: 150, tokens: 10, tokensPerSecond: 0 },
        })
        const { queue, replay, startFleet, startCrew } = scene.open("kills")
        // Both stacks call their lanes by the same names; epochs tell them apart.
        const starts = [
          { kind: "lanes", start: () => startFleet([0, 1], SKEW_MS) },
          { kind: "lanes", start: () => startFleet([0, 1], -SKEW_MS) },
          { kind: "workers", start: () => startCrew(2) },
        ] as const
        const running = await Promise.all(starts.map(({ start }) => start()))
        const kills = { lanes: 0, workers: 0 }
        let isOver = false
        const killing = (async () => {
          while (!isOver) {
            await scene.pass(KILL_EVERY_MS * (0.5 + Math.random()))
            const victim = Math.floor(Math.random() * starts.length)
            const { kind, start } = starts[victim] ?? starts[0]
            process.kill(running[victim]?.pid ?? 0, "SIGKILL")
            kills[kind] += 1
            running[victim] = await start()
          }
        })()

        const texts = new Map<string, string>()
        for (let round = 0; round < ROUNDS; round++) {
          await replay(
            SPAN_MS,
            () => {
              const [requestId, text] = [scene.newId(), `request ${texts.size} of the replay`]
              texts.set(requestId, text)
              return { requestId, text, priority: PRIORITIES[texts.size % PRIORITIES.length] ?? "normal" }
            },
            STRETCH,
          )
        }
        isOver = true
        await killing
        const ended = async () => {
          const { completed, failed } = (await queue.stats()).counts
          return completed + failed === texts.size
        }
        await eventually(ended, { withinMs: 90_000, everyMs: 500 })

        const [redis, now, calls] = [scene.store.redis, scene.clock(), await scene.calls()]
        const account = await settleAccounts({ queue, queueName: "kills", redis, now, texts, calls })
        const { completed, givenUp, again, expired, lost, doubled, statuses } = account
        expect({ lost, doubled, calls: account.calls }).toEqual({ lost: 0, doubled: 0, calls: calls.length })
        // Or the kills were none.
        expect(again).toBeGreaterThan(0)
        expect(kills.lanes + kills.workers).toBeGreaterThan(5)

        // Some had to wait, or the order would be none.
        const low = median(waits(statuses, "low"))
        expect(low).toBeGreaterThan(median(waits(statuses, "critical")))
        expect(outOfOrder(statuses, ORDER_TOLERANCE_MS)).toEqual([])

        const paid = `${completed} of ${texts.size} completed, ${givenUp} given up after three lost leases; ${calls.length} calls, ${again} of them again; ${expired} attempts recorded as lease_expired`
        recordFault({
          table: "processes",
          fault: "SIGKILL of a stack's lanes, clocks 4 s apart",
          ...{ tried: kills.lanes, lost, doubled },
          seen: paid,
        })
        recordFault({
          table: "processes",
          fault: "SIGKILL of workers in Node, in the same run",
          ...{ tried: kills.workers, lost, doubled },
          seen: "as above",
        })
        console.info(
          `${kills.lanes} + ${kills.workers} kills: ${paid}; waits ${PRIORITIES.map((priority) => Math.round(median(waits(statuses, priority))))}`,
        )
      },
      effort(120_000, 300_000),
    )
  },
)
