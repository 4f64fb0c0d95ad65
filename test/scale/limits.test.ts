import { describe, type TestContext, test } from "vitest"
import { findRedisServer } from "../../dev/store-redis.ts"
import { eventually } from "../helpers/eventually.ts"
import { openScene } from "./scene.ts"

const MINUTE_MS = 60_000
/** Five minutes pass in half of one; `SCALE_PACE=1` takes the time that it takes. */
const FACTOR = Number(process.env.SCALE_PACE ?? 10)
/** The machine may be late by that much, in its own time, from claim to call: tests run beside others. */
const HICCUP_MS = 300
/**
 * What a lane may have begun before it knows of trouble: a call on each of its four connections, and as many on those that
 * headers freed while the refusal itself is still being read.
 */
const UNAWARE_CALLS = 8

async function open({ onTestFinished }: TestContext, env: Record<string, string> = {}) {
  const scene = await openScene({ factor: FACTOR, env })
  onTestFinished(() => scene.close())
  return scene
}

/**
 * What limits and the breaker promise, seen from the provider: lanes in processes of their own, on a real Redis, at ten
 * times the pace. They mostly wait, so they do it side by side.
 */
describe.skipIf(findRedisServer() === null)(
  "at the provider",
  { concurrent: true, timeout: 60_000 + (5 * MINUTE_MS) / FACTOR },
  () => {
    test("60 calls a minute over five minutes of a real trace: never more, and hardly less while there is a backlog", async (context) => {
      const { expect } = context
      const [rpm, burst, spanMs] = [60, 60 / 12, 5 * MINUTE_MS]
      const scene = await open(context, { PROVIDER_LIMITS: `{"openai":{"rpm":${rpm}}}` })
      await scene.script({
        behaviour: { headersLatencyMs: 50, latencyMs: 50, tokens: 10, tokensPerSecond: 0 },
      })
      const { queue, startFleet, replay } = scene.open("trace")
      await startFleet([0, 1])
      expect(await replay(spanMs, () => ({}))).toBeGreaterThan(1000)
      // More than twice as many came as may start, so it never ran dry.
      expect((await queue.stats()).counts.pending).toBeGreaterThan(0)

      const starts = (await scene.calls()).map(({ startedAt }) => startedAt)
      for (const [i, at] of starts.entries()) {
        const inWindow = starts.slice(i).filter((other) => other < at + MINUTE_MS - FACTOR * HICCUP_MS).length
        expect(inWindow).toBeLessThanOrEqual(rpm + burst)
      }
      const elapsedMs = (starts.at(-1) ?? 0) - (starts[0] ?? 0)
      // The tests beside it keep the first start waiting, for seconds that count tenfold.
      expect(elapsedMs).toBeGreaterThan(0.85 * spanMs)
      expect(starts.length / (elapsedMs / MINUTE_MS)).toBeGreaterThanOrEqual(0.95 * rpm)
    })

    test("a provider that asks to be left alone is, and costs the others nothing", async (context) => {
      const { expect } = context
      const scene = await open(context)
      const [requests, lanes, retryAfterMs] = [400, 2, 30_000]
      await scene.script({
        match: { provider: "openai" },
        behaviour: { error: "rate_limited", retryAfter: 30 },
      })
      await scene.script({
        behaviour: { headersLatencyMs: 200, latencyMs: 100, tokens: 10, tokensPerSecond: 0 },
      })
      const others = (text: string) =>
        Array.from({ length: requests }, (_, i) => ({
          text,
          provider: i % 2 === 0 ? "anthropic" : "deepseek",
        }))

      // Two queues at the same time, so that what the machine does meanwhile concerns both.
      const [beside, alone] = [scene.open("beside"), scene.open("alone")]
      await beside.enqueue(Array.from({ length: 60 }, () => ({ provider: "openai", maxRetries: 10 })))
      await Promise.all([beside.enqueue(others("beside")), alone.enqueue(others("alone"))])
      await Promise.all([beside.startFleet([0, 1]), alone.startFleet([0, 1])])
      const completed = async (queue: typeof alone.queue) =>
        (await queue.stats()).counts.completed === requests
      await eventually(async () => (await completed(beside.queue)) && (await completed(alone.queue)), {
        withinMs: 60_000,
      })

      const calls = await scene.calls()
      const durationOf = (tag: string) => {
        const starts = calls.filter((call) => call.tag === tag).map(({ startedAt }) => startedAt)
        return Math.max(...starts) - Math.min(...starts)
      }
      expect(durationOf("alone") / durationOf("beside")).toBeGreaterThanOrEqual(0.95)

      // Each time it is asked again by the calls that begin together, and then by nobody until its time has come.
      const refused = calls.filter(({ provider }) => provider === "openai").map(({ startedAt }) => startedAt)
      const bursts = refused.filter((at, i) => i === 0 || at - (refused[i - 1] ?? 0) > retryAfterMs / 2)
      expect(bursts.length).toBeGreaterThanOrEqual(3)
      for (const [i, at] of bursts.entries()) {
        const burst = refused.filter((other) => other >= at && other < (bursts[i + 1] ?? Infinity))
        expect(burst.length).toBeLessThanOrEqual(lanes * UNAWARE_CALLS)
        expect(at - (bursts[i - 1] ?? -Infinity)).toBeGreaterThanOrEqual(retryAfterMs)
      }
    })

    test("a key that is refused costs a handful of calls, however many wait, and nobody's request", async (context) => {
      const { expect } = context
      const scene = await open(context)
      const [waiting, lanes] = [10_000, 4]
      await scene.script({ behaviour: { error: "unauthorized" } })
      const { queue, enqueue, startFleet } = scene.open("refused")
      await enqueue(Array.from({ length: waiting }, () => ({ maxRetries: 0 })))
      await startFleet([0, 1, 2, 3])
      // Probes after one minute, and two later.
      await scene.pass(4 * MINUTE_MS)
      const calls = await scene.calls()
      const [first = 0] = calls.map(({ startedAt }) => startedAt)
      const probes = calls.filter(({ startedAt }) => startedAt > first + MINUTE_MS / 2)
      expect(probes.length).toBe(2)
      expect(calls.length - probes.length).toBeLessThanOrEqual(lanes * UNAWARE_CALLS)
      const { counts } = await queue.stats()
      expect(counts).toMatchObject({ failed: 0, completed: 0, pending: waiting })

      await scene.clearScript()
      await scene.script({
        behaviour: { headersLatencyMs: 20, latencyMs: 0, tokens: 10, tokensPerSecond: 0 },
      })
      await queue.setPaused("openai", false)
      await eventually(async () => (await queue.stats()).counts.completed > 200, { withinMs: 30_000 })
      expect((await queue.stats()).counts.failed).toBe(0)
    })
  },
)
