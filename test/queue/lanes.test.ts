import { expect, test } from "vitest"
import type { DrainCounts } from "../../src/queue/contract.ts"
import { CLAIM, settlement } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const DAY_MS = 86_400_000
const NOTHING: DrainCounts = { completed: 0, failed: 0, retried: 0, errors: 0, lastError: null }

describeQueue("the lanes in the statistics", ({ open, loseAnswerOf }) => {
  test("are those that have claimed, by name, whatever their epoch; their counts add up", async () => {
    const queue = open()
    await queue.take({ owner: "lane-3:17", done: { ...NOTHING, completed: 4, failed: 1 } })
    queue.clock.advance(1000)
    await queue.take({ owner: "lane-0:20" })
    queue.clock.advance(1000)
    const done = { completed: 2, failed: 1, retried: 3, errors: 1, lastError: "timeout" }
    await queue.take({ owner: "lane-3:99", done })
    const { lanes } = await queue.stats()
    expect(lanes.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: "lane-0", lastClaimAt: queue.clock() - 1000, ...NOTHING },
      { name: "lane-3", lastClaimAt: queue.clock(), ...done, completed: 6, failed: 2 },
    ])
  })

  test("a tick is none", async () => {
    const queue = open()
    await queue.take({ owner: "tick:5", done: { ...NOTHING, completed: 4 } })
    expect((await queue.stats()).lanes).toEqual([])
  })

  test("the last error stays until there is another", async () => {
    const queue = open()
    const claim = (done: Partial<DrainCounts>) =>
      queue.take({ owner: "lane-1:1", done: { ...NOTHING, ...done } })
    await claim({ errors: 1, lastError: "store_unavailable" })
    await claim({ completed: 1 })
    expect((await queue.stats()).lanes).toMatchObject([{ errors: 1, lastError: "store_unavailable" }])
    await claim({ failed: 1, lastError: "provider_rejected" })
    expect((await queue.stats()).lanes).toMatchObject([{ lastError: "provider_rejected", completed: 1 }])
  })

  test("what is told with a claim whose answer was lost counts once, in a turn too", async () => {
    const queue = open()
    await queue.enqueueEach({}, {})
    const owner = "lane-1:1"
    loseAnswerOf("claim")
    const { requests } = await queue.take({ owner, limit: 1, done: { ...NOTHING, completed: 1 } })
    loseAnswerOf("turn")
    const settlements = requests.map((each) => settlement(each, "completed"))
    await queue.turn(settlements, { ...CLAIM, owner, done: { ...NOTHING, completed: 1 } })
    expect((await queue.stats()).lanes).toMatchObject([{ name: "lane-1", completed: 2 }])
  })

  test("are forgotten a day after their last claim", async () => {
    const queue = open()
    await queue.take({ owner: "lane-1:1", done: { ...NOTHING, completed: 1 } })
    await queue.take({ owner: "lane-2:1" })
    queue.clock.advance(DAY_MS - 1)
    await queue.take({ owner: "lane-2:2" })
    expect((await queue.stats()).lanes).toHaveLength(2)
    queue.clock.advance(1)
    await queue.take({ owner: "lane-2:3" })
    expect((await queue.stats()).lanes.map(({ name }) => name)).toEqual(["lane-2"])
  })

  test("may be many", async () => {
    const queue = open()
    for (let i = 0; i < 64; i++) await queue.take({ owner: `lane-${i}:1`, done: { ...NOTHING, retried: i } })
    const { lanes } = await queue.stats()
    expect(lanes).toHaveLength(64)
    for (const { name, retried } of lanes) expect(name).toBe(`lane-${retried}`)
  })
})
