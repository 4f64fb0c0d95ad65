import { setTimeout as wait } from "node:timers/promises"
import { readTrace } from "../../bench/data/read-trace.ts"
import type { CallRecord } from "../../dev/simulator/calls.ts"
import type { GuardedProcess } from "../../dev/spawn-guarded.ts"
import { createIdGenerator } from "../../src/core/ids.ts"
import { eventually } from "../helpers/eventually.ts"
import { newRequest, type RequestOverrides } from "../helpers/queue.ts"
import { startTestStore, type TestStore } from "../helpers/store.ts"
import { clockAt, type Pace } from "./pace.ts"
import { spawnCrew, spawnFleet, spawnLanes, spawnSimulator } from "./processes.ts"
import { openStack } from "./stack.ts"

/** Of a production trace, ms after the first: bursts of code completions, 67 in the busiest second, none in seven of ten. */
const ARRIVALS_MS = readTrace("code")
  .slice(1482, 3482)
  .map(({ arrivalMs }, _, [first]) => arrivalMs - (first?.arrivalMs ?? 0))

const BULK = 1000

interface SceneOptions {
  factor: number
  env?: Record<string, string>
  /** Closed with the scene. Default: one that forgets. */
  store?: TestStore
}

/** A real store, a simulator and lanes in processes of their own, all at one pace. Times are the scene's unless named real. */
export async function openScene({ factor, env = {}, store: given }: SceneOptions) {
  const store = given ?? (await startTestStore("redis"))
  const simulator = await spawnSimulator()
  const pace: Pace = { since: Date.now(), factor }
  const clock = clockAt(pace)
  const address = { url: store.url, token: store.token }
  const running = new Set<{ stop(): Promise<unknown> }>()
  const keep = (started: GuardedProcess) => {
    running.add(started)
    return started
  }
  const newId = createIdGenerator(clock)

  const open = (queueName: string) => {
    const options = { store: address, simulatorUrl: simulator.url, queueName, env }
    const { queue } = openStack({ ...options, clock })
    let lanes: Awaited<ReturnType<typeof spawnLanes>> | null = null
    const enqueue = async (requests: RequestOverrides[]) => {
      for (let i = 0; i < requests.length; i += BULK) {
        const bulk = requests
          .slice(i, i + BULK)
          .map((each) => newRequest({ requestId: newId(), createdAt: clock(), ...each }))
        // A store that is away is asked again, which is safe.
        await eventually(() => queue.enqueue(bulk), { withinMs: 30_000 })
        lanes?.wake()
      }
    }
    /** One request at each of these times, ms from now; ends with the last. */
    const arrive = async (arrivalsMs: number[], build: (i: number) => RequestOverrides) => {
      const startedAt = clock()
      for (let i = 0; i < arrivalsMs.length; ) {
        const elapsedMs = clock() - startedAt
        const due: RequestOverrides[] = []
        while ((arrivalsMs[i] ?? Number.POSITIVE_INFINITY) <= elapsedMs) due.push(build(i++))
        await enqueue(due)
        const nextMs = (arrivalsMs[i] ?? 0) - (clock() - startedAt)
        if (nextMs > 0) await wait(Math.ceil(nextMs / factor))
      }
    }
    return {
      queue,
      enqueue,
      arrive,
      /** They look for work several times a second. */
      startFleet: async (lanes: number[], skewMs = 0) =>
        keep(await spawnFleet({ ...options, lanes, pace: { ...pace, skewMs } })),
      /** Workers in Node, on the same queue. */
      startCrew: async (workers: number, skewMs = 0) => {
        const providers = { ALLOW_SIMULATOR: "1", SIMULATOR_URL: simulator.url }
        const setting = { redis: address, queueName, env: { ...env, ...providers }, concurrency: 4 }
        return keep(await spawnCrew({ workers, options: setting, pace: { ...pace, skewMs } }))
      },
      /** They sleep until something is enqueued here, and wake each other, as the Worker's do. */
      startLanes: async (count: number) => {
        lanes = await spawnLanes({ ...options, lanes: count, pace })
        running.add(lanes)
      },
      /** One request at each arrival of the trace, as far as they come within `spanMs`. */
      replay: async (spanMs: number, build: (i: number) => RequestOverrides, stretch = 1) => {
        const arrivalsMs = ARRIVALS_MS.map((ms) => ms * stretch).filter((ms) => ms < spanMs)
        await arrive(arrivalsMs, build)
        return arrivalsMs.length
      },
    }
  }

  return {
    store,
    clock,
    newId,
    open,
    /** Waits that long by the scene's clock. */
    pass: (ms: number) => wait(ms / factor),
    /** Rules of the simulator, whose own times are real. */
    script: (rule: unknown) => postScript(simulator.url, rule),
    clearScript: () => fetch(`${simulator.url}/__script`, { method: "DELETE" }),
    /** As the simulator saw them, by the scene's clock, oldest first. */
    calls: async (provider?: string): Promise<CallRecord[]> => {
      const response = await fetch(`${simulator.url}/__calls?limit=100000`)
      const { calls } = (await response.json()) as { calls: CallRecord[] }
      const at = (real: number) => pace.since + (real - pace.since) * factor
      return calls
        .filter((call) => provider === undefined || call.provider === provider)
        .map((call) => ({
          ...call,
          startedAt: at(call.startedAt),
          endedAt: call.endedAt === null ? null : at(call.endedAt),
        }))
    },
    close: async () => {
      await Promise.all([...running].map((fleet) => fleet.stop()))
      await simulator.stop()
      await store.close()
    },
  }
}

/** Rules of a simulator in another process: one, or a list. */
export async function postScript(simulatorUrl: string, rule: unknown): Promise<void> {
  const response = await fetch(`${simulatorUrl}/__script`, { method: "POST", body: JSON.stringify(rule) })
  if (!response.ok) throw new Error(await response.text())
}
