/** Latency of enqueueing over HTTP, beside the bare round trip, the textbook way and BullMQ. */
import { startTestStore, type TestStore } from "../test/helpers/store.ts"
import { startContenders } from "./enqueue/contenders.ts"
import { ALONE, type Turn, takeTurns } from "./enqueue/measure.ts"
import { cpuTable, latencyPlot, latencyTable, referenceTable, summarize } from "./enqueue/summarize.ts"
import { type Load, startLoad } from "./load/load.ts"
import type { Section, SectionOptions, SectionResult } from "./section.ts"

const ROUNDS = { normal: 5, full: 15 }
/** What a Worker sees in Upstash's region. */
const REGION_MS = 6
const GOAL = 1.5
const NOTES = [
  "PING: a Worker that asks the store for PING and nothing else, through the same client, bridge and Redis. Queue: `POST /v1/requests`, everything on, nobody draining, as no worker of BullMQ runs either. Textbook: Hono and four commands over the same client (hash, line, count, statistics), one after another; its bulk is one request after another. BullMQ: `add` and `addBulk` with a priority behind Hono on Node. All but BullMQ run in bare workerd.",
  `The ${REGION_MS} ms are added to each answer of the store. BullMQ has no REST: it speaks TCP, here through a proxy that holds each answer of Redis for ${REGION_MS} ms. That is a Node server beside the database, which a Worker is not.`,
  "Callers, servers, bridge and Redis share this machine's processors, so at 50 and 100 concurrent the figures tell what all of them cost together, and latency is mostly waiting for a processor.",
]

export const enqueueSection: Section = {
  name: "enqueue",
  title: "Enqueue latency",
  minutes: { normal: 3, full: 8 },
  run,
}

async function run({ isFull, report }: SectionOptions): Promise<SectionResult> {
  const store = await startTestStore("redis")
  const load = startLoad()
  const rounds = ROUNDS[isFull ? "full" : "normal"]
  try {
    report(`on loopback, ${rounds} rounds`)
    const near = await measure(store, load, 0, rounds)
    report(`${REGION_MS} ms away, ${rounds} rounds`)
    const far = await measure(store, load, REGION_MS, rounds)
    return {
      tables: [
        latencyTable("On loopback", near),
        latencyTable(`With ${REGION_MS} ms in each answer of the store`, far),
        cpuTable(near),
        referenceTable([
          { where: "on loopback", turns: near },
          { where: `${REGION_MS} ms away`, turns: far },
        ]),
      ],
      plots: [
        latencyPlot("enqueue-loopback", "Enqueue over HTTP, on loopback", near),
        latencyPlot("enqueue-region", `Enqueue over HTTP, the store ${REGION_MS} ms away`, far),
      ],
      goals: [
        {
          what: "enqueue ÷ PING, medians, 1 concurrent, loopback",
          measured: summarize(near, "queue", ALONE).toPing,
          ...{ relation: "<=", limit: GOAL },
        },
      ],
      notes: NOTES,
    }
  } finally {
    await load.close()
    await store.close()
  }
}

async function measure(store: TestStore, load: Load, delayMs: number, rounds: number): Promise<Turn[]> {
  const contenders = await startContenders(store, delayMs)
  try {
    return await takeTurns(store, load, contenders.all, rounds)
  } finally {
    await contenders.stop()
    await store.flush()
  }
}
