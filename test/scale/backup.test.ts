import { afterAll, beforeAll, expect, test } from "vitest"
import { findRedisServer } from "../../dev/store-redis.ts"
import { restoreBackup, takeBackup } from "../backup/dump.ts"
import { expectConserved } from "../helpers/conserved.ts"
import { createTestQueue, settlement } from "../helpers/queue.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"

const COUNT = findRedisServer() === null ? 2000 : 20_000
const GROUP = 500

let store: TestStore
beforeAll(async () => {
  store = await startBestStore()
})
afterAll(() => store.close())

test("thousands of requests make the round trip, for few commands each", async () => {
  const queue = createTestQueue(store)
  for (let i = 0; i < COUNT; i += GROUP) {
    const requests = Array.from({ length: GROUP }, (_, n) =>
      queue.newRequest({
        organizationId: `org-${n % 7}`,
        scheduledAt: n % 9 === 0 ? Date.now() + 3_600_000 : null,
      }),
    )
    await queue.enqueue(requests)
  }
  for (let i = 0; i < 10; i++) {
    const { requests } = await queue.take()
    await queue.settle(requests.map((each) => settlement(each, "completed")))
  }
  const { dump, footer, estimate } = await takeBackup(store, queue.name)
  expect(footer.requests).toBe(COUNT)
  expect(footer.commands).toBeLessThan(COUNT / 10)
  expect(estimate).toBeGreaterThan(footer.commands / 2)
  const copy = createTestQueue(store, { name: `${queue.name}-copy`, clock: queue.clock })
  const report = await restoreBackup(store, copy.name, dump)
  expect(report.differences).toEqual([])
  expect((await copy.stats()).counts).toEqual((await queue.stats()).counts)
  // An outcome has an end of its own, which takes a command.
  expect(report.commands).toBeLessThan(1000 + COUNT / 10)
  await expectConserved(store.redis, copy.name)
}, 180_000)
