import { newOperationId } from "../../src/core/ids.ts"
import type { ClaimedRequest } from "../../src/queue/contract.ts"
import { countCommands } from "../../test/helpers/count.ts"
import { CLAIM, createTestQueue, settlement, type TestQueue } from "../../test/helpers/queue.ts"
import type { TestStore } from "../../test/helpers/store.ts"

const MINUTES = 60
/** Limits and fair shares at work. */
const SETTINGS = {
  fairShareMs: 4,
  limits: { openai: { concurrency: 1000, rpm: 1_000_000, tpm: 1_000_000_000, models: {} } },
}

const ask = (queue: TestQueue, count: number) => Array.from({ length: count }, () => queue.newRequest())
const enqueue = (queue: TestQueue, count: number) => queue.enqueue(ask(queue, count))
const claim = async (queue: TestQueue, limit: number) => (await queue.take({ limit })).requests
const settled = (claimed: ClaimedRequest[]) => claimed.map((each) => settlement(each, "completed"))
const complete = (queue: TestQueue, claimed: ClaimedRequest[]) => queue.settle(settled(claimed))

/** Commands of a group; `bulk` and `singly`: of one request of it, from accepted to its outcome. */
export interface GroupCosts {
  group: number
  enqueue: number
  claim: number
  settle: number
  turn: number
  bulk: number
  singly: number
}

/** A queue that has been working, with something in line, as queues have that are worth counting. */
async function openQueue(store: TestStore): Promise<TestQueue> {
  const queue = createTestQueue(store, { settings: SETTINGS })
  await enqueue(queue, 2)
  await complete(queue, await claim(queue, 1))
  return queue
}

async function measure(queue: TestQueue, run: () => Promise<unknown>): Promise<number> {
  return (await countCommands(queue.redis, run)).total
}

export async function measureGroup(store: TestStore, group: number): Promise<GroupCosts> {
  const queue = await openQueue(store)
  const single = await measure(queue, () => enqueue(queue, 1))
  const bulk = await measure(queue, () => enqueue(queue, group))
  await enqueue(queue, 3 * group)
  let held: ClaimedRequest[] = []
  const claimed = await measure(queue, async () => {
    held = await claim(queue, group)
  })
  const settledAlone = await measure(queue, () => complete(queue, held))
  held = await claim(queue, group)
  const turn = await measure(queue, () => queue.turn(settled(held), { ...CLAIM, limit: group }))
  const each = { bulk: (bulk + turn) / group, singly: single + turn / group }
  return { group, enqueue: bulk, claim: claimed, settle: settledAlone, turn, ...each }
}

export async function measureOperations(store: TestStore): Promise<[operation: string, commands: number][]> {
  const queue = await openQueue(store)
  const rows: [string, number][] = []
  const count = async (what: string, run: () => Promise<unknown>) => {
    rows.push([what, await measure(queue, run)])
  }
  const first = async () => (await claim(queue, 1)) as [ClaimedRequest]

  await count("enqueue one", () => enqueue(queue, 1))
  const idempotency = { organizationId: "org-1", keyHash: newOperationId(), bodyHash: "aa" }
  const once = () => queue.enqueueOnce(ask(queue, 1), idempotency)
  await count("enqueue one under a new `Idempotency-Key`", once)
  await count("the same again", once)
  const delayed = queue.newRequest({ scheduledAt: queue.clock() + 60_000 })
  await count("enqueue one for later", () => queue.enqueue([delayed]))
  await enqueue(queue, 10)
  const { requestId } = delayed.head
  await count("status of a waiting request", () => queue.status(requestId, null))
  const [completed] = await first()
  await count("status of a processing request", () => queue.status(completed.lease.requestId, null))
  await count("settle one: completed", () => complete(queue, [completed]))
  await count("status of a completed request", () => queue.status(completed.lease.requestId, null))
  const [retried] = await first()
  await count("settle one: retry", () => queue.settle([settlement(retried, "retry")]))
  const [failed] = await first()
  await count("settle one: failed", () => queue.settle([settlement(failed, "failed")]))
  const changes = { deadlineAt: null }
  await count("replay a dead letter", () => queue.replay(failed.lease.requestId, null, changes))
  await count("cancel a waiting request", () => queue.cancel(requestId, null))
  const [held] = await first()
  await count("extend a lease", () => queue.extend(held.lease, held.lease.expiresAt + 1000))
  await count("look whether leases are lost or texts watched, each 2 s of a drain", () =>
    queue.lookAtLeases([held.lease]),
  )
  await countFollowing(queue, held, count)
  const listing = { state: null, organizationId: "org-1", limit: 20, cursor: null }
  await count("list 20 of an organization", () => queue.list(listing))
  await count("statistics", () => queue.stats())
  await count("health", () => queue.health())
  await count("providers with their limits", () => queue.providers())
  await count("change a limit", () => queue.setLimits("openai", { rpm: 600 }))
  await count("change a weight", () => queue.setWeight("org-1", 2))
  return rows
}

/** What it costs to wait for a request, and to follow its text. */
async function countFollowing(
  queue: TestQueue,
  { lease: { requestId, attempt } }: ClaimedRequest,
  count: (what: string, run: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  await count("look of who waits", () => queue.glance(requestId))
  await count("look of who follows", () => queue.glanceAtText(requestId, { attempt, offset: 0 }))
  await count("begin to follow", () => queue.watch(requestId, queue.clock() + 60_000))
  const write = (claimed: ClaimedRequest[], offset: number) =>
    queue.writePartials(claimed.map(({ lease }) => ({ lease, timeoutMs: 30_000, offset, text: "text" })))
  await enqueue(queue, 20)
  const claimed = await claim(queue, 20)
  await write(claimed, 0)
  await count("write the text of one call that is followed", () => write(claimed.slice(0, 1), 4))
  await count("write the texts of 20", () => write(claimed, 4))
}

/** As a lane does it: one claim, and when its call has ended one turn, which finds nothing more. */
export async function measureLoneRequest(store: TestStore): Promise<number> {
  const queue = createTestQueue(store, { settings: SETTINGS })
  const run = async () => {
    await enqueue(queue, 1)
    await queue.turn(settled(await claim(queue, 100)), CLAIM)
  }
  await run()
  return measure(queue, run)
}

/** The tick claims nothing and looks after what is due; lanes sleep. Once an hour there is more to do. */
export async function measureIdleMinute(store: TestStore): Promise<number> {
  const queue = createTestQueue(store, { settings: SETTINGS })
  await enqueue(queue, 1)
  await complete(queue, await claim(queue, 1))
  const hour = await measure(queue, async () => {
    for (let minute = 0; minute < MINUTES; minute++) {
      queue.clock.advance(60_000)
      const { maintenanceDue } = await queue.take({ owner: `tick:${minute}`, limit: 0 })
      if (maintenanceDue) await queue.maintain()
    }
  })
  return hour / MINUTES
}
