/**
 * What Upstash would bill: the commands that a real Redis executes for each operation, inside scripts too, by its own count.
 * The tables are those of docs/costs.md.
 */
import { startTestStore, type TestStore } from "../test/helpers/store.ts"
import { type Arrivals, measureInOperation } from "./costs/in-operation.ts"
import { measureBullmq, measureIdleWorker, measureTextbook } from "./costs/peers.ts"
import { measureGroup, measureIdleMinute, measureLoneRequest, measureOperations } from "./costs/queue.ts"
import type { Section, SectionOptions, SectionResult, Table } from "./section.ts"

const GROUPS = [1, 5, 20, 100]
const ARRIVALS: [string, Arrivals][] = [
  ["one each 2 s (43,000 a day)", { bulk: 1, bulks: 10, everyMs: 2000 }],
  ["one a second (86,000 a day)", { bulk: 1, bulks: 20, everyMs: 1000 }],
  ["ten a second (860,000 a day)", { bulk: 1, bulks: 200, everyMs: 100 }],
  ["300 in bulk", { bulk: 300, bulks: 1, everyMs: 0 }],
]
const NOTES = [
  "Counted by `INFO commandstats`, inside scripts too, without those that Upstash does not bill. Limits and fair shares are on. BullMQ 6.7: jobs with a priority, a worker with as many in work at once as the group has. Textbook: a command for each step, as in `bench/textbook/queue.ts`.",
  "A lone request costs more here than the textbook's twelve commands: scripts read and write what those do without (limits, shares, leases that run out, exactly one outcome, statistics), and a group shares that. BullMQ and textbook group nothing.",
  "The textbook's loop asks each second, so a request waits for half a second; the queue's minute is the cron's, for an enqueue wakes a lane itself.",
]

export const costsSection: Section = {
  name: "costs",
  title: "Billed commands",
  minutes: { normal: 1.5, full: 1.5 },
  run,
}

async function run({ report }: SectionOptions): Promise<SectionResult> {
  const store = await startTestStore("redis")
  try {
    report("by group and by operation")
    const grouped = []
    for (const group of GROUPS) grouped.push(await measureGroup(store, group))
    // The store learns the scripts that it does not know yet, which would count twice.
    await measureOperations(store)
    const operations = await measureOperations(store)
    const lone = await measureLoneRequest(store)
    const idle = await measureIdleMinute(store)
    const bullmq = await measureBullmq(store, GROUPS)
    const textbook = await measureTextbook(store)
    report("a minute of idle workers, and of requests that arrive")
    const [idleBullmq, idleWorker, inOperation] = await Promise.all([
      measureIdleWorker("BullMQ"),
      measureIdleWorker("Node worker"),
      Promise.all(
        ARRIVALS.map(([, arrivals], i) =>
          onItsOwnStore((own) => measureInOperation(own, `arrivals-${i}`, arrivals)),
        ),
      ),
    ])
    return {
      tables: [
        {
          title: "By group",
          columns: ["group", "enqueue in bulk", "claim", "settle", "turn (settle and claim)"],
          rows: grouped.map((costs) => [costs.group, costs.enqueue, costs.claim, costs.settle, costs.turn]),
        },
        {
          title: "A request, from accepted to its outcome, by group",
          columns: ["group", "in bulk", "singly", "BullMQ, in bulk", "BullMQ, singly", "textbook"],
          rows: grouped.map(({ group, bulk, singly }, i) => [
            ...[group, round(bulk), round(singly), round(bullmq[i]?.bulk), round(bullmq[i]?.singly)],
            textbook.request,
          ]),
        },
        { title: "By operation", columns: ["operation", "commands"], rows: operations },
        {
          title: "From end to end",
          columns: ["what", "queue", "BullMQ", "textbook"],
          rows: [
            [
              "a lone request, from accepted to its outcome",
              ...[lone, round(bullmq[0]?.singly), textbook.request],
            ],
            [
              "a minute with nothing to do: lanes or none, a worker, a loop",
              ...[round(idle), idleBullmq, 60 * textbook.look],
            ],
            ["the same with a Node worker", idleWorker, idleBullmq, 60 * textbook.look],
          ],
        },
        inOperationTable(inOperation),
      ],
      ...{ plots: [], goals: [], notes: NOTES },
    }
  } finally {
    await store.close()
  }
}

/** They count everything that their Redis does, so they must not share one. */
async function onItsOwnStore<Result>(act: (store: TestStore) => Promise<Result>): Promise<Result> {
  const store = await startTestStore("redis")
  try {
    return await act(store)
  } finally {
    await store.close()
  }
}

function inOperationTable(commands: number[]): Table {
  return {
    title: "In operation, drained by four lanes",
    columns: ["arrivals", "commands a request"],
    rows: ARRIVALS.map(([what], i) => [what, round(commands[i])]),
  }
}

function round(commands = Number.NaN): string {
  return commands.toFixed(1)
}
