import { beforeEach, describe, expect, it } from "vitest"
import { findRedisServer } from "../../dev/store-redis.ts"
import { countCommands, countRoundTrips } from "../helpers/count.ts"
import { settlement } from "../helpers/queue.ts"
import { receiver, scene, store } from "./stage.ts"

const HOUR_MS = 3_600_000

beforeEach(async () => {
  await scene.webhooks.secrets.issue("org-1", "whs_1", null)
})

/** As docs/webhooks.md tells. Only a real Redis counts its commands. */
async function cost(run: () => Promise<unknown>): Promise<{ trips: number; commands: number | null }> {
  let trips = 0
  const { total } = await countCommands(store.redis, async () => {
    trips = await countRoundTrips(store.bridge, run)
  })
  return { trips, commands: findRedisServer() === null ? null : total }
}
const costs = (trips: number, commands: number) => ({
  trips,
  commands: findRedisServer() === null ? null : commands,
})

describe("the cost of telling", () => {
  it("at the first try, from taking the chore to ending it", async () => {
    await scene.end("completed", receiver.url)
    await scene.work()
    await scene.end("completed", receiver.url)
    expect(await cost(scene.work)).toEqual(costs(6, 20))
  })

  it("again", async () => {
    receiver.behave({ status: 500 })
    await scene.end("completed", receiver.url)
    expect(await cost(scene.work)).toEqual(costs(6, 21))
    scene.clock.advance(5000)
    expect(await cost(scene.work)).toEqual(costs(5, 16))
    scene.clock.advance(HOUR_MS)
    receiver.behave({ status: 204 })
    expect(await cost(scene.work)).toEqual(costs(5, 16))
  })

  it("of a callback to the request itself: nothing when it comes, two commands when it ends", async () => {
    const callback = { url: receiver.url, events: ["request.completed" as const], includeResponse: false }
    const measure = async (overrides: object) => {
      const enqueue = await cost(() => scene.queue.enqueueEach(overrides))
      const end = await cost(async () => {
        await scene.queue.settle([settlement(await scene.queue.takeOne(), "completed")])
      })
      return [enqueue, end].map(({ commands }) => commands ?? 0)
    }
    await measure({ callback })
    const [plain, told] = [await measure({}), await measure({ callback })]
    const more = told.map((commands, i) => commands - (plain[i] ?? 0))
    expect(more).toEqual(findRedisServer() === null ? [0, 0] : [0, 2])
  })
})
