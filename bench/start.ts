/** From the enqueue call to the provider's door, by an idle Worker with lanes, beside a bare call of the provider. */
import { setTimeout as wait } from "node:timers/promises"
import { type Simulator, startSimulator } from "../dev/simulator/simulator.ts"
import { eventually } from "../test/helpers/eventually.ts"
import { chat } from "../test/helpers/requests.ts"
import { startTestStore } from "../test/helpers/store.ts"
import { median, percentile } from "./median.ts"
import type { Section, SectionOptions, SectionResult } from "./section.ts"
import { HEADERS, startBareWorker, startOwnWorker } from "./stack/bare-worker.ts"

const ROUNDS = { normal: 30, full: 100 }
const BETWEEN_MS = 300

export const startSection: Section = {
  name: "start",
  title: "From enqueue to the provider's door",
  minutes: { normal: 0.7, full: 1.5 },
  run,
}

async function run({ isFull, report }: SectionOptions): Promise<SectionResult> {
  const rounds = ROUNDS[isFull ? "full" : "normal"]
  report(`${rounds} of each`)
  await using simulator = await startSimulator({ latencyMs: 0, tokensPerSecond: 0 })
  const url = simulator.baseUrls.openai
  const store = await startTestStore("redis")
  try {
    const worker = await startBareWorker({ store, env: { OPENAI_BASE_URL: url } })
    const caller = await startOwnWorker("caller", { store })
    try {
      const enqueue = (text: string) => post(`${worker.url}/v1/requests`, chat("openai", text))
      const call = (text: string) => post(caller.url, { url, text })
      return resultOf(await takeTurns(simulator, call, enqueue, rounds))
    } finally {
      await Promise.all([caller.stop(), worker.stop()])
    }
  } finally {
    await store.close()
  }
}

async function post(url: string, body: unknown): Promise<void> {
  const answer = await fetch(url, { method: "POST", headers: HEADERS, body: JSON.stringify(body) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`)
}

interface Waits {
  bare: number[]
  queued: number[]
}

async function takeTurns(
  simulator: Simulator,
  call: (text: string) => Promise<unknown>,
  enqueue: (text: string) => Promise<unknown>,
  rounds: number,
): Promise<Waits> {
  const waits: Waits = { bare: [], queued: [] }
  await untilSeen(simulator, "warm call", call)
  await untilSeen(simulator, "warm queue", enqueue)
  for (let i = 0; i < rounds; i++) {
    await wait(BETWEEN_MS)
    waits.bare.push(await untilSeen(simulator, `bare ${i}`, call))
    await wait(BETWEEN_MS)
    waits.queued.push(await untilSeen(simulator, `queued ${i}`, enqueue))
  }
  return waits
}

/** Until the provider sees a call with this text, ms. */
async function untilSeen(
  simulator: Simulator,
  text: string,
  send: (text: string) => Promise<unknown>,
): Promise<number> {
  const startedAt = Date.now()
  await send(text)
  const seenAt = await eventually(() => simulator.calls.find(({ tag }) => tag === text)?.startedAt)
  return (seenAt ?? Number.NaN) - startedAt
}

function resultOf({ bare, queued }: Waits): SectionResult {
  const row = (what: string, waits: number[]) => [what, median(waits), percentile(waits, 0.95)]
  return {
    tables: [
      {
        title: "Until the provider sees the call, ms",
        columns: ["way", "median", "95 %"],
        rows: [row("a bare call from a Worker", bare), row("through the queue", queued)],
      },
    ],
    ...{ plots: [], goals: [] },
    notes: [
      "Both in bare workerd; the queue with its four lanes, asleep before each. What it adds is the difference: the request is stored, a lane is woken, claims it and calls.",
    ],
  }
}
