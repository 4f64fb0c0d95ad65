import { describe, test } from "vitest"
import { findRedisServer } from "../../dev/store-redis.ts"
import { eventually } from "../helpers/eventually.ts"
import { openScene } from "../scale/scene.ts"
import { effort } from "./effort.ts"
import { settleAccounts } from "./processes/account.ts"
import { recordFault } from "./tally.ts"

/** A lease lasts six seconds. */
const FACTOR = 10
const SETTINGS = { MAX_PROCESSING_TIME_MS: "30000" }
const REQUESTS = effort(12, 48)

/** As a laptop does that is closed, a virtual machine that is moved, a process under a debugger. */
describe.skipIf(findRedisServer() === null)("a stack that stands still for longer than its leases", () => {
  test.concurrent.for([
    { moment: "with answers that it could not settle", answerMs: 1500, pauseWhen: "completed" },
    { moment: "with calls under way", answerMs: 1500, pauseWhen: null },
  ])(
    "and wakes up $moment keeps them: they are paid",
    async ({ moment, answerMs, pauseWhen }, { expect, onTestFinished }) => {
      const scene = await openScene({ factor: FACTOR, env: SETTINGS })
      onTestFinished(() => scene.close())
      // The second call of a request takes so long that the first one's answer comes before it.
      await scene.script({
        behaviour: { headersLatencyMs: 10, latencyMs: 2500, tokens: 10, tokensPerSecond: 0 },
      })
      const { queue, enqueue, startFleet } = scene.open("pauses")
      const texts = new Map(Array.from({ length: REQUESTS }, (_, i) => [scene.newId(), `request ${i}`]))
      await enqueue(
        [...texts].map(([requestId, text]) => ({
          requestId,
          text: `${text} [[sim: headersLatencyMs=10 latencyMs=${answerMs} times=1]]`,
        })),
      )
      const { faults } = scene.store.bridge
      const sleeper = await startFleet([0])
      const calls = () => scene.calls()
      await eventually(async () => (await calls()).length === REQUESTS)
      faults.inject({ fault: "drop" })
      await eventually(async () => (await calls()).every(({ result }) => result === pauseWhen))
      process.kill(sleeper.pid, "SIGSTOP")
      faults.clear()

      await startFleet([1])
      await eventually(async () => (await calls()).length === 2 * REQUESTS, { withinMs: 30_000 })
      process.kill(sleeper.pid, "SIGCONT")
      await eventually(async () => (await queue.stats()).counts.completed === REQUESTS, { withinMs: 20_000 })
      await eventually(async () => (await calls()).every(({ endedAt }) => endedAt !== null))

      const { redis } = scene.store
      const run = { queue, queueName: "pauses", redis, texts, calls: await calls() }
      // What the second stack's calls came to is noted once they have been broken off.
      const { statuses, lost, doubled } = await eventually(async () => {
        const account = await settleAccounts({ ...run, now: scene.clock() })
        expect(account).toMatchObject({ lost: 0, doubled: 0 })
        return account
      })
      const kept = statuses.filter(({ attempts }) => attempts[0]?.result === "completed").length
      expect(kept).toBe(REQUESTS)
      recordFault({
        table: "processes",
        fault: `SIGSTOP ${moment}, SIGCONT after its leases`,
        ...{ tried: REQUESTS, lost, doubled },
        seen: `${kept} of ${REQUESTS} late answers kept, the newer lease revoked and its call broken off`,
      })
    },
  )
})
