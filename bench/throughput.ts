/** Requests a second, stored and worked off, beside BullMQ on the same Redis. */
import { startTestStore } from "../test/helpers/store.ts"
import { median } from "./median.ts"
import type { Section, SectionOptions, SectionResult } from "./section.ts"
import { openTcp } from "./stack/open-tcp.ts"
import { BULK, middle, type Path, type Sample, takeTurns } from "./throughput/measure.ts"
import { type RunningContender, spawnContender } from "./throughput/spawn-contender.ts"
import { startWorkerContender } from "./throughput/worker-contender.ts"

const ROUNDS = { normal: 5, full: 15 }
const AT_ONCE = 50
const COUNTS = { addSingly: 5000, addInBulk: 10_000, work: 10_000 }
/** Of the Worker, which takes longer for each. */
const WORKER_COUNTS = { addSingly: 2000, addInBulk: 5000, work: 2000 }
const GOAL = 1
const NOTES = [
  "Each prompt has 1 kB. The queue: library and `AIQueueWorker` over HTTP, through the bridge. BullMQ 6.7: `add`, `addBulk` and `Worker` over TCP, jobs with a priority, as the queue's requests have one. Each in a process of its own, in turns; medians of the rounds after a first one that does not count. A processor answers at once.",
  "The Worker runs in bare workerd with its four lanes. They call the provider's simulator over HTTP, in a process of its own, which answers at once: that is no no-op, for every answer is a stream that has to be read.",
  "CPU is what a request takes of each process: who adds or works (Node), Redis, and the bridge, which stands where Upstash's own server stands. What all of them take together bounds the rate on a machine with few processors; the largest of them does on one with many.",
]

export const throughputSection: Section = {
  name: "throughput",
  title: "Throughput",
  minutes: { normal: 2.5, full: 7 },
  run,
}

async function run({ isFull, report }: SectionOptions): Promise<SectionResult> {
  const store = await startTestStore("redis")
  const queue = spawnContender("throughput/queue-process.ts", [store.url, store.token])
  const pair = spawnContender("throughput/queue-process.ts", [store.url, store.token, "2"])
  const bullmq = spawnContender("peers/bullmq-process.ts", [String(await openTcp(store))])
  const worker = await startWorkerContender(store)
  const rounds = ROUNDS[isFull ? "full" : "normal"]
  const measure = async (
    what: string,
    act: keyof typeof COUNTS,
    amount: number,
    names: [string, RunningContender][],
  ) => {
    report(`${what}, ${rounds} rounds`)
    const paths = names.map(([name, contender]): Path => {
      const { [act]: count } = contender === worker ? WORKER_COUNTS : COUNTS
      return { name: `${what}: ${name}`, contender, round: { act, count, amount } }
    })
    return takeTurns(store, paths, rounds)
  }
  try {
    const singly = await measure(`singly, ${AT_ONCE} at once`, "addSingly", AT_ONCE, [
      ["library", queue],
      ["Worker", worker],
      ["BullMQ `add`", bullmq],
    ])
    const bulk = await measure(`in bulk of ${BULK}`, "addInBulk", BULK, [
      ["library", queue],
      ["Worker", worker],
      ["BullMQ `addBulk`", bullmq],
    ])
    const work = await measure(`no-op, ${AT_ONCE} at once`, "work", AT_ONCE, [
      ["Node worker", queue],
      ["two Node workers in a process", pair],
      ["the Worker's lanes", worker],
      ["BullMQ `Worker`", bullmq],
    ])
    const columns = ["path", "requests a second", "÷ BullMQ", "CPU µs: own", "Redis", "bridge"]
    return {
      tables: [
        { title: "Enqueue", columns, rows: [...rowsOf(singly), ...rowsOf(bulk)] },
        { title: "Work off", columns, rows: rowsOf(work) },
      ],
      plots: [],
      goals: [
        {
          what: `no-op throughput of the Node worker ÷ BullMQ's, ${AT_ONCE} at once`,
          measured: ratios(work)[0] ?? Number.NaN,
          ...{ relation: ">=", limit: GOAL },
        },
      ],
      notes: NOTES,
    }
  } finally {
    await Promise.all([queue.close(), pair.close(), worker.close(), bullmq.close()])
    await store.close()
  }
}

function rowsOf(measured: Map<Path, Sample[]>): (string | number)[][] {
  const toPeer = ratios(measured)
  return [...measured].map(([{ name }, samples], i) => {
    const rounded = (figure: keyof Sample) => Math.round(middle(samples, figure))
    const cpu = [rounded("ownCpu"), rounded("redisCpu"), rounded("bridgeCpu")]
    return [name, rounded("perSecond"), (toPeer[i] ?? Number.NaN).toFixed(2), ...cpu]
  })
}

/** To the last path, which is BullMQ's: medians of the ratios within a round, whose paths met the same machine. */
function ratios(measured: Map<Path, Sample[]>): number[] {
  const all = [...measured.values()]
  const peer = all.at(-1) ?? []
  return all.map((samples) =>
    median(samples.map(({ perSecond }, i) => perSecond / (peer[i]?.perSecond ?? 1))),
  )
}
