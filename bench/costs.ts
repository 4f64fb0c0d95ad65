/**
 * What Upstash would bill: the commands that a real Redis executes for each operation, inside scripts too, by its own count.
 * Prints the tables of docs/costs.md. Needs redis-server or valkey-server; takes two minutes.
 */
import { newOperationId } from "../src/core/ids.ts"
import type { ClaimedRequest } from "../src/queue/contract.ts"
import { countCommands } from "../test/helpers/count.ts"
import { CLAIM, createTestQueue, settlement, type TestQueue } from "../test/helpers/queue.ts"
import { startTestStore } from "../test/helpers/store.ts"
import { type Load, measureLoad } from "./costs/in-operation.ts"

const GROUPS = [1, 5, 20, 100]
const MINUTES = 60
const LOADS: [string, Load][] = [
  ["one each 2 s (43,000 a day)", { bulk: 1, bulks: 10, everyMs: 2000 }],
  ["one a second (86,000 a day)", { bulk: 1, bulks: 20, everyMs: 1000 }],
  ["ten a second (860,000 a day)", { bulk: 1, bulks: 200, everyMs: 100 }],
  ["300 in bulk", { bulk: 300, bulks: 1, everyMs: 0 }],
]
/** Limits and fair shares at work. */
const SETTINGS = {
  fairShareMs: 4,
  limits: { openai: { concurrency: 1000, rpm: 1_000_000, tpm: 1_000_000_000, models: {} } },
}

const store = await startTestStore("redis")

/** A queue that has been working, with something in line, as queues have that are worth counting. */
async function openQueue(): Promise<TestQueue> {
  const queue = createTestQueue(store, { settings: SETTINGS })
  await enqueue(queue, 2)
  await complete(queue, await claim(queue, 1))
  return queue
}

const ask = (queue: TestQueue, count: number) => Array.from({ length: count }, () => queue.newRequest())
const enqueue = (queue: TestQueue, count: number) => queue.enqueue(ask(queue, count))
const claim = async (queue: TestQueue, limit: number) => (await queue.take({ limit })).requests
const settled = (claimed: ClaimedRequest[]) => claimed.map((each) => settlement(each, "completed"))
const complete = (queue: TestQueue, claimed: ClaimedRequest[]) => queue.settle(settled(claimed))

async function measure(queue: TestQueue, run: () => Promise<unknown>): Promise<number> {
  return (await countCommands(queue.redis, run)).total
}

function printTable(title: string, columns: string[], rows: (string | number)[][]): void {
  console.log(`\n${title}\n`)
  for (const cells of [columns, columns.map(() => "---"), ...rows]) console.log(`| ${cells.join(" | ")} |`)
}

async function measureByGroup(): Promise<void> {
  const rows = []
  for (const group of GROUPS) {
    const queue = await openQueue()
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
    const each = (first: number) => ((first + turn) / group).toFixed(1)
    rows.push([group, bulk, claimed, settledAlone, turn, each(bulk), each(single * group)])
  }
  const columns = ["group", "enqueue in bulk", "claim", "settle", "turn (settle and claim)"]
  printTable("By group:", [...columns, "a request, in bulk", "a request, singly"], rows)
}

async function measureOperations(): Promise<void> {
  const queue = await openQueue()
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
  const { requestId } = delayed.head
  await count("status of a waiting request", () => queue.status(requestId, null))
  await count("cancel a waiting request", () => queue.cancel(requestId, null))
  const [held] = await first()
  await count("extend a lease", () => queue.extend(held.lease, held.lease.expiresAt + 1000))
  await count("look whether leases are lost, each 2 s of a drain", () => queue.lostLeases([held.lease]))
  const listing = { state: null, organizationId: "org-1", limit: 20, cursor: null }
  await count("list 20 of an organization", () => queue.list(listing))
  await count("statistics", () => queue.stats())
  await count("health", () => queue.health())
  await count("providers with their limits", () => queue.providers())
  await count("change a limit", () => queue.setLimits("openai", { rpm: 600 }))
  await count("change a weight", () => queue.setWeight("org-1", 2))
  printTable("By operation:", ["operation", "commands"], rows)
}

/** As a lane does it: one claim, and when its call has ended one turn, which finds nothing more. */
async function measureLoneRequest(): Promise<number> {
  const queue = createTestQueue(store, { settings: SETTINGS })
  const run = async () => {
    await enqueue(queue, 1)
    await queue.turn(settled(await claim(queue, 100)), CLAIM)
  }
  await run()
  return measure(queue, run)
}

/** The tick claims nothing and looks after what is due; lanes sleep. Once an hour there is more to do. */
async function measureIdleMinute(): Promise<number> {
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

async function measureLoads(): Promise<void> {
  const rows = []
  for (const [i, [what, load]] of LOADS.entries()) {
    rows.push([what, (await measureLoad(store, `load-${i}`, load)).toFixed(1)])
  }
  printTable("In operation, drained by four lanes:", ["arrivals", "commands a request"], rows)
}

try {
  await measureByGroup()
  await measureOperations()
  const rows = [
    ["a lone request, from accepted to its outcome", await measureLoneRequest()],
    ["a minute with nothing to do, with lanes or without", (await measureIdleMinute()).toFixed(1)],
  ]
  printTable("From end to end:", ["what", "commands"], rows)
  await measureLoads()
} finally {
  await store.close()
}
