import { afterEach, describe, expect, test } from "vitest"
import { freePort } from "../../dev/port.ts"
import { startSimulator } from "../../dev/simulator/simulator.ts"
import { eventually } from "../helpers/eventually.ts"
import { chat, createApi } from "../helpers/requests.ts"
import { type Checkout, createCheckout, Stack, stackStores } from "../helpers/stack.ts"
import { effort } from "./effort.ts"
import { recordFault } from "./tally.ts"

const [REQUESTS, KILLS] = [effort(40, 200), effort(1, 5)]
const PROVIDERS = ["openai", "anthropic", "deepseek"]
/** Streams for a second; a lease lasts 36 s. */
const ANSWER = { headersLatencyMs: 100, latencyMs: 100, tokens: 40, tokensPerSecond: 50 }
const SETTINGS = {
  ...{ DRAIN_LANES: "3", DRAIN_CONCURRENCY: "4", DEV_CRON_MS: "1000" },
  ...{ REQUEST_TIMEOUT_MS: "5000", MAX_PROCESSING_TIME_MS: "1000" },
}

describe.runIf(stackStores.includes("redis"))(
  "the whole stack, its lanes in workerd, killed while answers stream",
  () => {
    let checkout: Checkout
    afterEach(() => checkout.remove())

    test(
      "finishes everything after a restart, each with one outcome, and the history tells what was called",
      async ({ onTestFinished }) => {
        checkout = createCheckout("redis")
        // One that outlives the stack, so that every call of every incarnation is seen.
        const simulator = await startSimulator(ANSWER)
        onTestFinished(() => simulator.close())
        const { openai, anthropic, deepseek } = simulator.baseUrls
        const env = {
          OPENAI_BASE_URL: openai,
          ANTHROPIC_BASE_URL: anthropic,
          DEEPSEEK_BASE_URL: deepseek,
          ...SETTINGS,
        }
        // Elsewhere each time: the data does not depend on the port.
        const start = async () => new Stack(checkout, await freePort(), env).ready()
        let stack = await start()
        const texts = Array.from({ length: REQUESTS }, (_, i) => `killed ${i}.`)
        const asks = texts.map((text, i) => chat(PROVIDERS[i % 3] ?? "openai", text))
        const ids = await createApi(stack.url).enqueueBulk(asks)

        const ended = () => simulator.calls.filter(({ result }) => result === "completed").length
        const isStreaming = () =>
          simulator.calls.some(({ result, startedAt }) => result === null && startedAt < Date.now() - 300)
        for (let kills = 0; kills < KILLS; kills++) {
          const before = ended()
          await eventually(() => ended() > before + 3 && isStreaming(), { withinMs: 60_000, everyMs: 10 })
          await stack.killAll()
          stack = await start()
        }

        const all = await createApi(stack.url).completed(ids, 90_000)
        const { counts } = await createApi(stack.url).call<{ counts: Record<string, number> }>(
          "GET",
          "/v1/stats",
          200,
        )
        expect(counts).toEqual({
          scheduled: 0,
          pending: 0,
          processing: 0,
          completed: REQUESTS,
          failed: 0,
          cancelled: 0,
        })
        let [doubled, expired] = [0, 0]
        for (const [i, { attempts, response }] of all.entries()) {
          expect(response?.choices[0]?.message.content).toContain(texts[i])
          const lost = attempts.filter(({ result }) => result === "lease_expired")
          expect(attempts.map(({ result }) => result)).toEqual([
            ...lost.map(() => "lease_expired"),
            "completed",
          ])
          for (const attempt of lost) expect(attempt.possiblyBilled).toBe(true)
          const calls = simulator.calls.filter(({ tag }) => tag === texts[i]).length
          // A lease may be lost before its call was made.
          if (calls < 1 || calls > attempts.length) doubled += 1
          expired += lost.length
        }
        const again = simulator.calls.length - REQUESTS
        expect(again).toBeGreaterThan(0)
        expect(doubled).toBe(0)
        recordFault({
          table: "processes",
          fault: "SIGKILL of workerd, bridge and store at once while answers stream",
          ...{ tried: KILLS, doubled },
          seen: `${REQUESTS} completed; ${simulator.calls.length} calls, ${again} of them again; ${expired} attempts recorded as lease_expired`,
        })
        expect(await stack.stop()).toBe(0)
      },
      effort(180_000, 420_000),
    )
  },
)
