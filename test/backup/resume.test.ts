import { expect, test } from "vitest"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"
import { restoreBackup, takeBackup } from "./dump.ts"

/** More than are written at a time. */
const SIZE = 1100
const GROUP = 100

async function fill(queue: TestQueue, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i += GROUP) {
    const requests = Array.from({ length: Math.min(GROUP, count - i) }, (_, n) =>
      queue.newRequest({ organizationId: `org-${n % 3}`, metadata: n % 5 === 0 ? { n: String(n) } : {} }),
    )
    await queue.enqueue(requests)
    ids.push(...requests.map(({ head }) => head.requestId))
  }
  for (const kind of ["completed", "failed"] as const) {
    const { requests } = await queue.take()
    await queue.settle(requests.map((each) => settlement(each, kind)))
  }
  return ids
}

describeQueue("a restore that is interrupted", ({ kind, store, open }) => {
  test.each(["with what it remembers", "without"])("goes on, %s", async (how) => {
    const queue = open()
    await fill(queue, SIZE)
    const { dump } = await takeBackup(store(), queue.name)
    const copy = open({ name: `${queue.name}-copy`, clock: queue.clock })
    const lines: number[] = []
    const asOf = Date.now()
    const killed = restoreBackup(store(), copy.name, dump, {
      asOf,
      onDone: (done) => {
        lines.push(done)
        throw new Error("killed")
      },
    })
    await expect(killed).rejects.toThrow("killed")
    // Half of it is no queue: nothing of it starts.
    expect((await copy.take()).requests).toEqual([])
    expect(await copy.redis.hGet(copy.keys.meta, "version")).toBeNull()
    const done = how === "without" ? 0 : (lines[0] ?? 0)
    expect((await restoreBackup(store(), copy.name, dump, { asOf, done })).differences).toEqual([])
    expect((await copy.stats()).counts).toEqual((await queue.stats()).counts)
  })

  test("no other backup gets into it, nor anything where somebody has enqueued meanwhile", async () => {
    const queue = open()
    await queue.enqueueEach({}, {})
    const { dump } = await takeBackup(store(), queue.name)
    const { dump: other } = await takeBackup(store(), queue.name)
    const copy = open({ name: `${queue.name}-copy` }, "spoiled")
    const kill = () => {
      throw new Error("killed")
    }
    await expect(restoreBackup(store(), copy.name, dump, { onDone: kill })).rejects.toThrow("killed")
    await expect(restoreBackup(store(), copy.name, other)).rejects.toThrow("Another backup")
    await copy.enqueueEach({ organizationId: "org-9" })
    await expect(restoreBackup(store(), copy.name, dump)).rejects.toThrow("Something else has written")
  })

  test.each([
    { fault: "drop", when: "after", every: 3 },
    { fault: "drop", when: "before", every: 4 },
    { fault: "repeat", every: 2 },
  ] as const)("answers that are lost lose and double nothing (%o)", async (rule) => {
    const queue = open()
    await fill(queue, kind === "redis" ? SIZE : 300)
    const remove = store().bridge.faults.inject(rule)
    const { dump, footer } = await takeBackup(store(), queue.name)
    const copy = open({ name: `${queue.name}-copy`, clock: queue.clock })
    const report = await restoreBackup(store(), copy.name, dump)
    remove()
    expect(report.differences).toEqual([])
    expect(report.states).toEqual(footer.states)
    expect((await copy.stats()).counts).toEqual((await queue.stats()).counts)
  })
})
