import { expect, test } from "vitest"
import { seededRandom } from "../../dev/bridge/faults.ts"
import { isFinished } from "../../src/core/outcome.ts"
import type { ClaimedRequest } from "../../src/queue/contract.ts"
import { settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"
import { restoreBackup, takeBackup } from "./dump.ts"

const ORGANIZATIONS = 8
const SIZE = { redis: 40, embedded: 16 }
const KINDS = ["completed", "completed", "completed", "failed", "retry", "return", "release"] as const

/** A queue that goes on while it is copied: something happens to it before each line. */
class Traffic {
  readonly accepted: string[] = []
  /** Dead letters that were cancelled: nothing is kept of them. */
  readonly discarded = new Set<string>()
  private readonly queue: TestQueue
  private readonly random: () => number
  private readonly held: ClaimedRequest[] = []

  constructor(queue: TestQueue, seed: number) {
    this.queue = queue
    this.random = seededRandom(seed)
  }

  async enqueue(count: number): Promise<void> {
    const requests = Array.from({ length: count }, () =>
      this.queue.newRequest({
        organizationId: `org-${this.pick(ORGANIZATIONS)}`,
        provider: this.random() < 0.7 ? "openai" : "anthropic",
        scheduledAt: this.random() < 0.2 ? this.queue.clock() + 1000 * this.pick(60) : null,
        deadlineAt: this.random() < 0.2 ? this.queue.clock() + 3_600_000 : null,
        metadata: this.random() < 0.3 ? { n: "1" } : {},
      }),
    )
    await this.queue.enqueue(requests)
    this.accepted.push(...requests.map(({ head }) => head.requestId))
  }

  async step(): Promise<void> {
    const dice = this.random()
    if (dice < 0.15) await this.enqueue(1 + this.pick(3))
    else if (dice < 0.45) this.held.push(...(await this.queue.take({ limit: 1 + this.pick(4) })).requests)
    else if (dice < 0.8) await this.settle(1 + this.pick(4))
    else if (dice < 0.9) await this.cancel(this.anyone())
    else if (dice < 0.97)
      await this.queue.replay(this.anyone(), null, { deadlineAt: null }).catch(() => undefined)
    else this.queue.clock.advance(2000)
  }

  private async cancel(id: string): Promise<void> {
    if ((await this.queue.cancel(id, null)).kind === "discarded") this.discarded.add(id)
  }

  private async settle(count: number): Promise<void> {
    const some = this.held.splice(0, count)
    await this.queue.settle(some.map((each) => settlement(each, KINDS[this.pick(KINDS.length)] ?? "note")))
  }

  private anyone(): string {
    return this.accepted[this.pick(this.accepted.length)] ?? ""
  }

  private pick(count: number): number {
    return Math.floor(this.random() * count)
  }
}

/** Completes whatever there is. */
async function drainAll(queue: TestQueue): Promise<void> {
  for (let idle = 0; idle < 2; ) {
    const { requests, overdue } = await queue.take()
    await queue.settle([
      ...requests.map((each) => settlement(each, "completed")),
      ...overdue.map((each) => settlement(each, "failed")),
    ])
    idle = requests.length + overdue.length === 0 ? idle + 1 : 0
    if (idle === 1) queue.clock.advance(120_000)
  }
}

describeQueue("a backup of a queue that goes on", ({ kind, store, open }) => {
  test.each([1, 2])(
    "holds each request that was accepted before it began, once, and all of them end (%i)",
    async (seed) => {
      const queue = open()
      const traffic = new Traffic(queue, seed)
      await traffic.enqueue(SIZE[kind])
      for (let i = 0; i < SIZE[kind] / 4; i++) await traffic.step()
      const before = traffic.accepted.filter((id) => !traffic.discarded.has(id))
      const ended = new Map<string, string>()
      for (const id of before) {
        const status = await queue.status(id, null)
        if (status?.state === "completed" || status?.state === "cancelled") ended.set(id, status.state)
      }

      const { dump } = await takeBackup(store(), queue.name, {
        clock: queue.clock,
        onLine: () => traffic.step(),
      })
      const ids = dump.texts.flatMap((text) => (JSON.parse(text) as { requestId?: string }).requestId ?? [])
      expect(new Set(ids).size).toBe(ids.length)
      const kept = before.filter((id) => !traffic.discarded.has(id))
      expect(kept.filter((id) => !ids.includes(id))).toEqual([])

      const copy = open({ name: `${queue.name}-copy`, clock: queue.clock })
      const report = await restoreBackup(store(), copy.name, dump, { clock: queue.clock })
      expect(report.differences).toEqual([])
      for (const [id, state] of ended) expect((await copy.status(id, null))?.state, id).toBe(state)
      await copy.setPaused(null, false)
      await drainAll(copy)
      for (const id of kept) {
        const status = await copy.status(id, null)
        expect(status && isFinished(status.state), id).toBe(true)
      }
      expect(await copy.stats()).toMatchObject({ counts: { scheduled: 0, pending: 0, processing: 0 } })
    },
    120_000,
  )

  test("paused first, it waits for what is in flight: no attempt is lost", async () => {
    const queue = open()
    const [leased = "", pending = ""] = await queue.enqueueEach({}, {})
    const held = await queue.takeOne()
    let waited = 0
    const backup = takeBackup(store(), queue.name, {
      pause: true,
      onWaiting: (inFlight) => {
        expect(inFlight).toBe(1)
        waited += 1
        void queue.settle([settlement(held, "completed")])
      },
    })
    const { dump } = await backup
    expect(waited).toBeGreaterThan(0)
    expect((await queue.take()).requests).toEqual([])
    const copy = open({ name: `${queue.name}-copy`, clock: queue.clock })
    await restoreBackup(store(), copy.name, dump)
    expect(await copy.status(leased, null)).toMatchObject({ state: "completed" })
    expect(await copy.status(pending, null)).toMatchObject({ state: "pending", attempts: [] })
  })
})
