import { afterEach, describe, expect, test } from "vitest"
import { findRedisServer } from "../../dev/store-redis.ts"
import type { RequestStatus } from "../../src/core/outcome.ts"
import { expectConserved } from "../helpers/conserved.ts"
import { eventually } from "../helpers/eventually.ts"
import { openScene } from "./scene.ts"

const REQUESTS = 2000
/** A lease that was lost comes back after ten seconds. */
const FACTOR = 10
const KILL_EVERY_MS = 20_000
/** The trace in half its time: 68 requests a second of the machine's. */
const STRETCH = 0.5
const SPAN_MS = 300_000
/** As in `lua/include/housekeeping.lua`: who was lost so often is called no more. */
const MAX_LOST = 3

describe.skipIf(findRedisServer() === null)("two stacks on one store, killed again and again", () => {
  let scene: Awaited<ReturnType<typeof openScene>>
  afterEach(() => scene.close())

  test("lose nothing, decide each request once, and call again only what a kill interrupted", async () => {
    scene = await openScene({ factor: FACTOR })
    await scene.script({
      behaviour: { headersLatencyMs: 50, latencyMs: 150, tokens: 10, tokensPerSecond: 0 },
    })
    const { queue, replay, startFleet } = scene.open("chaos")
    // Both call their lanes by the same names; epochs tell them apart.
    const lanes = [0, 1]
    const stacks = [await startFleet(lanes), await startFleet(lanes)]
    const ids: string[] = []
    let isOver = false
    const killing = (async () => {
      for (let kills = 0; ; kills++) {
        await scene.pass(KILL_EVERY_MS * (0.5 + Math.random()))
        if (isOver) return kills
        const victim = Math.floor(Math.random() * stacks.length)
        process.kill(stacks[victim]?.pid ?? 0, "SIGKILL")
        stacks[victim] = await startFleet(lanes)
      }
    })()
    await replay(
      SPAN_MS,
      (i) => {
        const requestId = scene.newId()
        ids.push(requestId)
        return { requestId, text: `request ${i} of the replay` }
      },
      STRETCH,
    )
    expect(ids.length).toBe(REQUESTS)
    isOver = true
    expect(await killing).toBeGreaterThan(5)
    await eventually(
      async () => {
        const { completed, failed } = (await queue.stats()).counts
        return completed + failed === REQUESTS
      },
      { withinMs: 90_000, everyMs: 500 },
    )

    const calledTimes = new Map<string, number>()
    for (const { tag } of await scene.calls()) calledTimes.set(tag, (calledTimes.get(tag) ?? 0) + 1)
    let again = 0
    for (const [i, requestId] of ids.entries()) {
      const status = await queue.status(requestId, null)
      if (status === null) throw new Error(`${requestId} is lost`)
      const lost = lostAttempts(status)
      const called = calledTimes.get(`request ${i} of the replay`) ?? 0
      if (status.state === "completed") {
        expect(status.attempts.map(({ result }) => result)).toEqual([...lost, "completed"])
      } else {
        expect(status).toMatchObject({ state: "failed", error: { code: "lease_expired" } })
        expect(status.attempts.map(({ result }) => result)).toEqual(Array(MAX_LOST).fill("lease_expired"))
      }
      expect(called).toBeGreaterThanOrEqual(status.state === "completed" ? 1 : 0)
      expect(called).toBeLessThanOrEqual(status.attempts.length)
      again += called - 1
    }
    // Or the kills were none.
    expect(again).toBeGreaterThan(0)
    await expectConserved(scene.store.redis, "chaos", scene.clock())
  }, 180_000)
})

function lostAttempts({ attempts }: RequestStatus) {
  return attempts.map(({ result }) => result).filter((result) => result === "lease_expired")
}
