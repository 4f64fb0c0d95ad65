import { expect, test } from "vitest"
import type { Target } from "../../src/core/request.ts"
import { type Ask, describeScenes } from "./scene.ts"

const OPENAI: Target = { provider: "openai", model: "gpt-test" }
const DEEPSEEK: Target = { provider: "deepseek", model: "deepseek-chat" }
/** Whoever waits for a retry waits longer than the drain. */
const PATIENT = { RETRY_BASE_MS: "60000", RETRY_CAP_MS: "60000" }

const ask = (directive: string, changes: Partial<Ask> = {}): Ask => ({
  ...OPENAI,
  ...{ text: `[[sim: ${directive}]]`, fallbacks: [DEEPSEEK] },
  ...changes,
})

describeScenes("a request with a fallback", (scene) => {
  test.each([
    ["is overloaded", "provider=openai error=overloaded", "provider_overloaded"],
    ["asks for a wait", "provider=openai error=rate_limited retryAfter=60", "provider_rate_limited"],
    ["says not to come again", "provider=openai error=unavailable shouldRetry=false", "provider_unavailable"],
    ["does not serve the region", "provider=openai error=region", "provider_unavailable"],
    ["breaks the connection", "provider=openai fault=reset", "network"],
    ["sends elsewhere", "provider=openai fault=redirect", "provider_invalid_response"],
  ])("goes on at once when its provider %s", async (_, directive, code) => {
    const s = await scene(PATIENT)
    const [id = ""] = await s.enqueue(ask(directive, { maxRetries: 1 }))
    expect(await s.drain()).toMatchObject({ completed: 1, retried: 1, errors: 0 })
    expect(await s.queue.status(id, null)).toMatchObject({
      ...OPENAI,
      state: "completed",
      attempts: [
        { ...OPENAI, number: 1, result: "retry", error: { code } },
        { ...DEEPSEEK, number: 2, result: "completed" },
      ],
    })
  })

  test.each([
    ["the key", "unauthorized"],
    ["the balance", "insufficient_quota"],
  ])("spends no retry on a provider that refuses %s", async (_, error) => {
    const s = await scene(PATIENT)
    const [id = ""] = await s.enqueue(ask(`provider=openai error=${error}`, { maxRetries: 0 }))
    expect(await s.drain()).toMatchObject({ completed: 1, returned: 1, retried: 0 })
    expect(await s.queue.status(id, null)).toMatchObject({
      attempts: [{ ...OPENAI }, { ...DEEPSEEK, result: "completed" }],
    })
  })

  test("times out twice on one target, then goes on", async () => {
    const s = await scene()
    const [id = ""] = await s.enqueue(ask("provider=openai fault=stall_first", { timeoutMs: 1000 }))
    expect(await s.drain()).toMatchObject({ completed: 1, retried: 2 })
    const status = await s.queue.status(id, null)
    expect(status?.attempts.map(({ provider, possiblyBilled }) => [provider, possiblyBilled])).toEqual([
      ["openai", true],
      ["openai", true],
      ["deepseek", false],
    ])
  })

  test("does not wait beyond its deadline, but goes on", async () => {
    const s = await scene()
    const deadlineAt = Date.now() + 20_000
    const [id = ""] = await s.enqueue(
      ask("provider=openai error=rate_limited retryAfter=60", { deadlineAt }),
      ask("provider=openai error=rate_limited retryAfter=60", { deadlineAt, fallbacks: [] }),
    )
    expect(await s.drain()).toMatchObject({ completed: 1, failed: 1 })
    expect((await s.queue.status(id, null))?.state).toBe("completed")
  })

  test("has no more attempts than without one", async () => {
    const s = await scene()
    const [id = ""] = await s.enqueue(ask("error=unavailable", { maxRetries: 2 }))
    expect(await s.drain()).toMatchObject({ failed: 1, retried: 2 })
    const status = await s.queue.status(id, null)
    expect(status).toMatchObject({ state: "failed", error: { code: "provider_unavailable" } })
    expect(status?.attempts).toHaveLength(3)
    expect(new Set(status?.attempts.map(({ provider }) => provider))).toEqual(new Set(["openai", "deepseek"]))
  })

  test("stays when only the request is at fault", async () => {
    const s = await scene()
    const [id = ""] = await s.enqueue(ask("provider=openai error=rejected"))
    expect(await s.drain()).toMatchObject({ failed: 1, retried: 0 })
    expect((await s.queue.status(id, null))?.attempts).toMatchObject([OPENAI])
    expect(s.simulator.calls).toHaveLength(1)
  })
})

describeScenes("limits of a vendor", (scene) => {
  const many = (count: number): Ask[] =>
    Array.from({ length: count }, (_, i) => ({ ...OPENAI, text: `${i}` }))

  test("that are configured are kept in every window", async () => {
    const s = await scene({ PROVIDER_LIMITS: JSON.stringify({ openai: { rpm: 600 } }) })
    // A burst of 50, and 10 a second over two and the half second in which what is claimed starts.
    s.simulator.limit({ provider: "openai", rpm: 75, windowMs: 2000 })
    await s.enqueue(...many(90))
    expect(await s.drain()).toMatchObject({ completed: 90, retried: 0 })
    expect(s.simulator.limits).toMatchObject([{ refused: 0 }])
  }, 30_000)

  test("that only its headers tell cost the calls under way, and no more", async () => {
    const s = await scene()
    s.simulator.limit({ provider: "openai", rpm: 20 })
    const ids = await s.enqueue(...many(100))
    expect(await s.drain()).toMatchObject({ completed: 20, failed: 0 })
    expect(s.simulator.limits[0]?.refused).toBeLessThanOrEqual(8)
    const states = await s.states(ids)
    expect(states.filter((state) => state === "completed")).toHaveLength(20)
    expect(states.filter((state) => state === "failed")).toHaveLength(0)
  })
})
