import { expect, test } from "vitest"
import { decodeRecord } from "../../src/queue/record.ts"
import { idsOf, withLimits } from "../helpers/claims.ts"
import { CLAIM, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

/** A burst of 1,000 tokens, and 195 more a second. */
const TPM = 12_000
const CAPACITY = 1000
const TOKENS_PER_MS = (TPM * 0.975) / 60_000

/** A request that is estimated at that many tokens, and the few of its message. */
const asking = (tokens: number) => ({ options: { max_tokens: tokens } })

async function estimateOf(queue: TestQueue, id = ""): Promise<number> {
  return decodeRecord((await queue.redis.hGet(queue.keys.live, id)) ?? "").tokens
}

describeQueue("tokens a minute", ({ open, loseAnswerOf }) => {
  test("are taken by an estimate of characters and the most that may be answered", async () => {
    const queue = open(withLimits({ openai: { tpm: TPM } }))
    const [short, long, open1, newer] = await queue.enqueueEach(
      ...[asking(600), { ...asking(600), text: "word ".repeat(400) }, {}],
      { options: { max_completion_tokens: 600 } },
    )
    const estimate = await estimateOf(queue, short)
    expect(estimate).toBeGreaterThan(600)
    expect(estimate).toBeLessThan(660)
    expect(await estimateOf(queue, newer)).toBeGreaterThanOrEqual(estimate)
    const more = (await estimateOf(queue, long)) - estimate
    expect(more).toBeGreaterThan(400)
    expect(more).toBeLessThan(600)
    // Who does not say how much may be answered does not get it for nothing.
    expect(await estimateOf(queue, open1)).toBeGreaterThan(500)
  })

  test("a request that does not fit waits until the bucket suffices, to the millisecond", async () => {
    const queue = open(withLimits({ openai: { tpm: TPM } }))
    const [first, second] = await queue.enqueueEach(asking(600), asking(600))
    expect(idsOf(await queue.take())).toEqual([first])
    const missing = (await estimateOf(queue, first)) + (await estimateOf(queue, second)) - CAPACITY
    const wakeAt = queue.clock() + Math.ceil(missing / TOKENS_PER_MS)
    expect(await queue.take()).toMatchObject({ requests: [], wakeAt, remaining: 0 })
    queue.clock.set(wakeAt - 1)
    expect((await queue.take()).requests).toEqual([])
    queue.clock.set(wakeAt)
    expect(idsOf(await queue.take())).toEqual([second])
  })

  test("what was not used comes back with the settlement", async () => {
    const queue = open(withLimits({ openai: { tpm: TPM } }))
    const [, second] = await queue.enqueueEach(asking(600), asking(600))
    const settled = settlement(await queue.takeOne(), "completed", { report: { usedTokens: 50 } })
    expect(idsOf((await queue.turn([settled], CLAIM)).claim)).toEqual([second])
  })

  test("what is not known to be unused does not", async () => {
    const queue = open(withLimits({ openai: { tpm: TPM } }))
    await queue.enqueueEach(asking(600), asking(600))
    const settled = settlement(await queue.takeOne(), "completed", { report: { usedTokens: null } })
    expect((await queue.turn([settled], CLAIM)).claim.requests).toEqual([])
  })

  test("what was used beyond the estimate is owed", async () => {
    const queue = open(withLimits({ openai: { tpm: TPM } }))
    const [first, second] = await queue.enqueueEach(asking(10), asking(10))
    const used = CAPACITY + 500
    await queue.settle([settlement(await queue.takeOne(), "completed", { report: { usedTokens: used } })])
    const missing = 500 + (await estimateOf(queue, second))
    const { requests, wakeAt } = await queue.take()
    expect(requests).toEqual([])
    expect(wakeAt).toBe(queue.clock() + Math.ceil(missing / TOKENS_PER_MS))
    expect((await queue.status(first ?? "", null))?.state).toBe("completed")
  })

  test("a call that was never made gives all of it back, more than once too", async () => {
    const queue = open(withLimits({ openai: { tpm: TPM } }))
    const ids = await queue.enqueueEach(asking(700), asking(150))
    for (let i = 0; i < 3; i++) {
      const { requests } = await queue.take()
      expect(requests.map(({ lease }) => lease.requestId)).toEqual(ids)
      await queue.settle(requests.map((each) => settlement(each, "release")))
    }
  })

  test("an estimate beyond the burst stops nothing for ever: it takes all there is", async () => {
    const queue = open(withLimits({ openai: { tpm: TPM } }))
    const [huge, next] = await queue.enqueueEach(asking(1_000_000), asking(10))
    expect(idsOf(await queue.take())).toEqual([huge])
    const estimate = await estimateOf(queue, next)
    const wakeAt = queue.clock() + Math.ceil(estimate / TOKENS_PER_MS)
    expect(await queue.take()).toMatchObject({ requests: [], wakeAt })
    queue.clock.set(wakeAt)
    expect(idsOf(await queue.take())).toEqual([next])
  })

  test("of such an estimate, only what was taken comes back", async () => {
    const queue = open(withLimits({ openai: { tpm: TPM } }))
    const [, second, , fourth] = await queue.enqueueEach(
      ...[asking(1_000_000), asking(400), asking(400), { ...asking(400), provider: "anthropic" }],
    )
    const settled = settlement(await queue.takeOne(), "completed", { report: { usedTokens: 300 } })
    expect(idsOf((await queue.turn([settled], CLAIM)).claim)).toEqual([second, fourth])
  })

  test("nobody overtakes a larger request of the same target, in this claim or in the next", async () => {
    const queue = open(withLimits({ openai: { tpm: TPM } }))
    const [first, , , other] = await queue.enqueueEach(
      ...[asking(600), asking(600), asking(10), { ...asking(10), provider: "deepseek" }],
    )
    expect(idsOf(await queue.take())).toEqual([first, other])
    expect((await queue.take()).requests).toEqual([])
  })

  test("a model's own limit closes only that model", async () => {
    const models = { "gpt-test": { tpm: TPM } }
    const queue = open(withLimits({ openai: { models } }))
    const [first, , , other] = await queue.enqueueEach(
      ...[asking(600), asking(600), asking(10), { ...asking(600), model: "another" }],
    )
    expect(idsOf(await queue.take())).toEqual([first, other])
  })

  test("all or nothing: what waits for tokens uses up no calls meanwhile", async () => {
    // Five calls at once, or one of 100 tokens every 5.2 s.
    const queue = open(withLimits({ openai: { rpm: 60, tpm: 1200 } }))
    await queue.enqueueEach(...Array.from({ length: 8 }, () => asking(600)))
    await queue.takeOne()
    for (let i = 0; i < 10; i++) {
      queue.clock.advance(100)
      expect((await queue.take()).requests).toEqual([])
    }
    queue.clock.advance(60_000)
    let started = 0
    for (let claim = await queue.take(); claim.requests.length > 0 && started < 8; ) {
      started += claim.requests.length
      const unused = claim.requests.map((each) =>
        settlement(each, "completed", { report: { usedTokens: 0 } }),
      )
      claim = (await queue.turn(unused, CLAIM)).claim
    }
    expect(started).toBe(5)
  })

  test("a settlement that is told twice gives back once", async () => {
    const queue = open(withLimits({ openai: { tpm: TPM } }))
    const ids = await queue.enqueueEach(...Array.from({ length: 6 }, () => asking(300)))
    const estimate = await estimateOf(queue, ids[0])
    const { requests } = await queue.take()
    expect(requests).toHaveLength(3)
    const [one, two] = requests
    if (!one || !two) throw new Error("not all were claimed")
    for (const [claimed, kind] of [[one, "completed"] as const, [two, "retry"] as const]) {
      loseAnswerOf("settle")
      const again = { dueAt: queue.clock() + 60_000, report: { usedTokens: estimate / 2 } }
      await queue.settle([settlement(claimed, kind, again)])
    }
    // Of the burst one estimate is still taken, and two halves.
    expect((await queue.take()).requests).toHaveLength(1)
  })
})
