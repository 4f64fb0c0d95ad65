import { expect, test } from "vitest"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

/** Settles the next request as rate limited; until when its provider asked to be left alone. */
async function limit(queue: TestQueue, forMs = 30_000): Promise<number> {
  const blockedUntil = queue.clock() + forMs
  const claimed = await queue.takeOne()
  await queue.settle([settlement(claimed, "retry", { dueAt: blockedUntil, report: { blockedUntil } })])
  return blockedUntil
}

/** Settles the next request as refused by its provider's account; until when that is left alone. */
async function refuse(queue: TestQueue): Promise<number> {
  const claimed = await queue.takeOne()
  await queue.settle([settlement(claimed, "return", { report: { health: "account" } })])
  const { blockedUntil = null } = (await queue.stats()).providers[claimed.target.provider] ?? {}
  if (blockedUntil === null) throw new Error("the provider is not left alone")
  return blockedUntil
}

describeQueue("a blocked provider", ({ open }) => {
  test("is left alone until its time, and delays no other", async () => {
    const queue = open()
    await queue.enqueueEach({}, {}, { provider: "anthropic" }, { provider: "anthropic" })
    const untilAt = await limit(queue)
    const { requests, wakeAt, remaining } = await queue.take({ limit: 1 })
    expect(requests.map(({ head }) => head.provider)).toEqual(["anthropic"])
    expect(remaining).toBe(1)
    expect(wakeAt).toBe(untilAt)
    await queue.take()
    queue.clock.set(untilAt - 1)
    expect((await queue.take()).requests).toEqual([])
    expect((await queue.stats()).providers.openai).toMatchObject({ blockedUntil: untilAt, breaker: "closed" })
    queue.clock.set(untilAt)
    const after = await queue.take()
    expect(after.requests.map(({ head }) => head.provider)).toEqual(["openai", "openai"])
    expect((await queue.stats()).providers.openai).toMatchObject({ blockedUntil: null, breaker: "closed" })
  })

  test("what is in flight when it is blocked goes on, and its success lifts no rate limit", async () => {
    const queue = open()
    await queue.enqueueEach({}, {}, {})
    const running = await queue.takeOne()
    const untilAt = await limit(queue)
    expect(await queue.settle([settlement(running, "completed")])).toEqual(["settled"])
    expect(await queue.take()).toMatchObject({ requests: [], wakeAt: untilAt })
  })

  test("the longest wait holds", async () => {
    const queue = open()
    await queue.enqueueEach({}, {}, {})
    const { requests } = await queue.take()
    const [a, b, c] = requests
    if (!a || !b || !c) throw new Error("not all were claimed")
    const now = queue.clock()
    const waits = (ms: number) => ({ report: { blockedUntil: now + ms } })
    await queue.settle([settlement(a, "return", waits(20_000)), settlement(b, "return", waits(50_000))])
    await queue.settle([settlement(c, "return", waits(30_000))])
    expect((await queue.stats()).providers.openai?.blockedUntil).toBe(now + 50_000)
  })

  test("after account trouble a single probe goes first, and its success opens the line", async () => {
    const queue = open()
    await queue.enqueueEach({}, {}, {})
    const untilAt = await refuse(queue)
    expect((await queue.stats()).providers.openai).toMatchObject({ blockedUntil: untilAt, breaker: "open" })
    expect(await queue.take()).toMatchObject({ requests: [], wakeAt: untilAt })
    queue.clock.set(untilAt)
    expect((await queue.stats()).providers.openai).toMatchObject({ blockedUntil: null, breaker: "half_open" })
    const { requests: probes } = await queue.take()
    expect(probes).toHaveLength(1)
    expect((await queue.take({ owner: "other" })).requests).toEqual([])
    await queue.settle(probes.map((probe) => settlement(probe, "completed")))
    expect((await queue.stats()).providers.openai?.breaker).toBe("closed")
    expect((await queue.take()).requests).toHaveLength(2)
  })

  test("a probe that fails leaves the provider alone again", async () => {
    const queue = open()
    const ids = await queue.enqueueEach({}, {})
    queue.clock.set(await refuse(queue))
    const untilAt = await refuse(queue)
    expect((await queue.stats()).providers.openai).toMatchObject({ blockedUntil: untilAt, breaker: "open" })
    queue.clock.set(untilAt - 1)
    expect((await queue.take()).requests).toEqual([])
    queue.clock.set(untilAt)
    expect((await queue.take()).requests).toHaveLength(1)
    // Nobody's request: neither has lost a retry by it.
    for (const id of ids) expect((await queue.status(id, null))?.state).not.toBe("failed")
  })

  test("a probe that says nothing of the account is followed by another one", async () => {
    const queue = open()
    await queue.enqueueEach({}, {}, {})
    queue.clock.set(await refuse(queue))
    const probe = await queue.takeOne()
    await queue.settle([settlement(probe, "retry", { dueAt: queue.clock() + 600_000 })])
    expect((await queue.take()).requests).toHaveLength(1)
    expect((await queue.take()).requests).toEqual([])
  })

  test("a probe whose worker dies is followed by another one", async () => {
    const queue = open()
    await queue.enqueueEach({}, {})
    queue.clock.set(await refuse(queue))
    queue.clock.set((await queue.takeOne()).lease.expiresAt)
    expect((await queue.take()).requests).toHaveLength(1)
  })

  test("a rate limit that lasts longer does not make account trouble forgotten", async () => {
    const queue = open()
    await queue.enqueueEach({}, {}, {}, {})
    const running = await queue.takeOne()
    const untilAt = (await refuse(queue)) + 30_000
    await queue.settle([settlement(running, "retry", { dueAt: untilAt, report: { blockedUntil: untilAt } })])
    expect(await queue.take()).toMatchObject({ requests: [], wakeAt: untilAt })
    queue.clock.set(untilAt)
    expect((await queue.take()).requests).toHaveLength(1)
    expect((await queue.take()).requests).toHaveLength(0)
  })

  test("only the line of its own provider is blocked, also within one group", async () => {
    const queue = open()
    await queue.enqueueEach({}, { provider: "deepseek" }, {}, { provider: "deepseek" })
    const { requests } = await queue.take({ limit: 2 })
    await queue.settle(
      requests.map((each) =>
        each.head.provider === "deepseek"
          ? settlement(each, "return", { report: { health: "account" } })
          : settlement(each, "completed"),
      ),
    )
    const { requests: next } = await queue.take()
    expect(next.map(({ head }) => head.provider)).toEqual(["openai"])
  })
})
