import { expect, test } from "vitest"
import type { Target } from "../../src/core/request.ts"
import type { TargetReport } from "../../src/queue/contract.ts"
import { idsOf, providersOf, withLimits } from "../helpers/claims.ts"
import { type SettlementOptions, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const CLAUDE: Target = { provider: "anthropic", model: "claude" }
const SEEK: Target = { provider: "deepseek", model: "seek" }
const GPT: Target = { provider: "openai", model: "gpt-test" }
const withFallbacks = (...fallbacks: Target[]) => ({ fallbacks })

async function tell(queue: TestQueue, provider: string, report: Partial<TargetReport>): Promise<void> {
  await queue.enqueueEach({ provider, priority: "critical" })
  await queue.settle([settlement(await queue.takeOne(), "completed", { report })])
}

type Shut = (queue: TestQueue, provider: string) => Promise<void>
const SHUT: [string, Shut][] = [
  ["paused", (queue, provider) => queue.setPaused(provider, true)],
  ["rate limited", (queue, provider) => tell(queue, provider, { blockedUntil: queue.clock() + 60_000 })],
  ["refusing the account", (queue, provider) => tell(queue, provider, { health: "account" })],
]

/** The next attempt fails, and the request may be tried again at once. */
async function failNext(queue: TestQueue, options: SettlementOptions = {}): Promise<Target> {
  const claimed = await queue.takeOne()
  const retry = { dueAt: queue.clock(), report: { health: "trouble" } as const, ...options }
  await queue.settle([settlement(claimed, "retry", retry)])
  return claimed.target
}

const TIMEOUT = { code: "timeout", report: { health: "unknown" } } as const

describeQueue("fallbacks", ({ open }) => {
  test("have a line of their own, and are not used while what was asked for will do", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach(withFallbacks(CLAUDE, SEEK))
    expect(await queue.redis.zRange(queue.keys.line("openai+"), 0, -1)).toEqual([id])
    expect(await queue.status(id, null)).toMatchObject({ ...GPT, fallbacks: [CLAUDE, SEEK], position: 1 })
    expect(await queue.takeOne()).toMatchObject({ target: GPT, hasAlternative: true })
  })

  test.each(SHUT)("are used in order when what comes before is %s", async (_, shut) => {
    const queue = open()
    await shut(queue, "openai")
    await queue.enqueueEach(withFallbacks(CLAUDE, SEEK))
    expect((await queue.takeOne()).target).toEqual(CLAUDE)
    await shut(queue, "anthropic")
    await queue.enqueueEach(withFallbacks(CLAUDE, SEEK))
    expect((await queue.takeOne()).target).toEqual(SEEK)
    await shut(queue, "deepseek")
    await queue.enqueueEach(withFallbacks(CLAUDE, SEEK))
    expect((await queue.take()).requests).toEqual([])
  })

  test("wait when it is only full", async () => {
    const queue = open(withLimits({ openai: { rpm: 12 } }))
    await queue.enqueueEach(withFallbacks(CLAUDE), withFallbacks(CLAUDE))
    expect(providersOf(await queue.take())).toEqual(["openai"])
    const { requests, wakeAt } = await queue.take()
    expect(requests).toEqual([])
    queue.clock.set(wakeAt ?? 0)
    expect(providersOf(await queue.take())).toEqual(["openai"])
  })

  test("do not wait past the deadline", async () => {
    const queue = open(withLimits({ openai: { rpm: 12 } }))
    const deadline = (ms: number) => ({ ...withFallbacks(CLAUDE), deadlineAt: queue.clock() + ms })
    const [first, patient, hasty] = await queue.enqueueEach(
      ...[deadline(60_000), deadline(60_000), deadline(4000)],
    )
    const { requests } = await queue.take()
    expect(requests.map(({ lease, target }) => [lease.requestId, target.provider])).toEqual([
      [first, "openai"],
      [hasty, "anthropic"],
    ])
    expect((await queue.status(patient ?? "", null))?.state).toBe("pending")
  })

  test("another target is tried first after one had trouble; when all have, they start over", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach({ ...withFallbacks(CLAUDE, SEEK), maxRetries: 10 })
    const tried = [GPT, CLAUDE, SEEK, GPT, CLAUDE]
    for (const target of tried) expect(await failNext(queue)).toEqual(target)
    const claimed = await queue.takeOne()
    await queue.settle([settlement(claimed, "completed")])
    expect((await queue.status(id, null))?.attempts).toMatchObject([...tried, SEEK])
  })

  test("a claim tells whether another target is left to try", async () => {
    const queue = open()
    await queue.enqueueEach(withFallbacks(CLAUDE))
    expect(await queue.takeOne()).toMatchObject({ target: GPT, hasAlternative: true })
    const other = queue.sibling({ settings: { providers: ["openai", "deepseek"] } })
    await queue.enqueueEach(withFallbacks(CLAUDE), {})
    for (const { hasAlternative } of (await other.take()).requests) expect(hasAlternative).toBe(false)
    await queue.enqueueEach(withFallbacks(CLAUDE))
    await failNext(queue)
    expect(await queue.takeOne()).toMatchObject({ target: CLAUDE, hasAlternative: false })
  })

  test("the same target is tried again when no other is to be had", async () => {
    const queue = open()
    await queue.setPaused("anthropic", true)
    await queue.enqueueEach(withFallbacks(CLAUDE))
    for (let i = 0; i < 3; i++) expect(await failNext(queue)).toEqual(GPT)
  })

  test("and then a claim tells of none, so that the retry backs off", async () => {
    const queue = open()
    await queue.setPaused("anthropic", true)
    await queue.enqueueEach(withFallbacks(CLAUDE))
    await failNext(queue)
    expect(await queue.takeOne()).toMatchObject({ target: GPT, hasAlternative: false })
  })

  test("a refused account sends a request on at once, uncounted", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach(withFallbacks(CLAUDE))
    const claimed = await queue.takeOne()
    await queue.settle([settlement(claimed, "return", { report: { health: "account" } })])
    expect(await queue.takeOne()).toMatchObject({ target: CLAUDE, retries: 0 })
    expect((await queue.status(id, null))?.attempts).toMatchObject([GPT])
  })

  test("two timeouts use a target up, and each target has its own", async () => {
    const queue = open()
    await queue.enqueueEach({ ...withFallbacks(CLAUDE), maxRetries: 10 })
    const timeouts: [string, number][] = []
    for (let i = 0; i < 3; i++) {
      const claimed = await queue.takeOne()
      timeouts.push([claimed.target.provider, claimed.timeouts])
      await queue.settle([settlement(claimed, "retry", { dueAt: queue.clock(), ...TIMEOUT })])
    }
    expect(timeouts).toEqual([
      ["openai", 0],
      ["openai", 1],
      ["anthropic", 0],
    ])
    expect(await queue.takeOne()).toMatchObject({ target: CLAUDE, timeouts: 1, hasAlternative: false })
  })

  test("a target that is used up is better than none", async () => {
    const queue = open()
    const [plain, fallback] = await queue.enqueueEach(
      ...[{ maxRetries: 10 }, { ...withFallbacks(CLAUDE), maxRetries: 10 }],
    )
    for (let i = 0; i < 2; i++) {
      const { requests } = await queue.take()
      const options = { dueAt: queue.clock(), ...TIMEOUT }
      await queue.settle(requests.map((each) => settlement(each, "retry", options)))
    }
    const other = queue.sibling({ settings: { providers: ["openai"] } })
    expect(idsOf(await other.take()).toSorted()).toEqual([plain, fallback].toSorted())
  })

  test("a replay starts over with what was asked for", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach(withFallbacks(CLAUDE))
    for (let i = 0; i < 2; i++) await failNext(queue, TIMEOUT)
    await queue.settle([settlement(await queue.takeOne(), "failed", { report: { health: "trouble" } })])
    await queue.replay(id, null, { deadlineAt: null })
    expect(await queue.takeOne()).toMatchObject({ target: GPT, timeouts: 0, hasAlternative: true })
    expect((await queue.status(id, null))?.attempts).toMatchObject([GPT, GPT, CLAUDE])
  })

  test("the history shows the target also of a lost lease, and of a call that was cancelled", async () => {
    const queue = open()
    const [id = ""] = await queue.enqueueEach(withFallbacks(CLAUDE))
    await failNext(queue)
    const lost = await queue.takeOne()
    expect(lost.target).toEqual(CLAUDE)
    queue.clock.set(lost.lease.expiresAt)
    const running = await queue.takeOne()
    await queue.cancel(id, null)
    expect((await queue.status(id, null))?.attempts).toMatchObject([
      { number: 1, ...GPT, result: "retry" },
      { number: 2, ...CLAUDE, result: "lease_expired" },
      { number: 3, ...running.target, result: "cancelled" },
    ])
  })

  test("the limits that count are those of the target", async () => {
    const queue = open(withLimits({ anthropic: { concurrency: 1 } }))
    await queue.setPaused("openai", true)
    await queue.enqueueEach(withFallbacks(CLAUDE), withFallbacks(CLAUDE), { provider: "anthropic" })
    expect(providersOf(await queue.take())).toEqual(["anthropic"])
    expect((await queue.stats()).providers.anthropic?.inFlight).toBe(1)
  })
})
