import type { Priority } from "../../src/core/request.ts"
import { createTestQueue, settlement } from "../../test/helpers/queue.ts"
import { startTestStore, type TestStore } from "../../test/helpers/store.ts"
import type { SectionOptions, SectionResult } from "../section.ts"
import { round } from "./curves.ts"

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

interface FloodOptions {
  flood: Priority
  /** The level below, of which one request comes now and then. */
  behind: Priority
  /** Between two starts: all that is served. */
  serveEveryMs: number
  hours: number
}

const FLOODS: FloodOptions[] = [
  { flood: "normal", behind: "low", serveEveryMs: 2 * MINUTE_MS, hours: 10 },
  { flood: "high", behind: "normal", serveEveryMs: 12 * MINUTE_MS, hours: 60 },
  { flood: "critical", behind: "high", serveEveryMs: HOUR_MS, hours: 300 },
]
/** Of the flood at its beginning. Then one comes for each that is served, so there is always one. */
const BACKLOG = 10
const PLOTTED_FROM_HOURS = 1
/** Turns between two of the level below. */
const BEHIND_EVERY = 20

interface Flood extends FloodOptions {
  started: number
  tooOld: number
  longestHours: number
  curve: [hours: number, oldestHours: number][]
}

/**
 * A flood that never ends: how long the level below it waits. Days pass in seconds, for the clock is simulated and nobody is
 * called; the queue and its Redis are real, and one request is claimed and settled at a time.
 */
export async function measureHeadStarts({ report }: SectionOptions): Promise<SectionResult> {
  const store = await startTestStore("redis")
  const floods: Flood[] = []
  try {
    for (const options of FLOODS) {
      report(`${options.flood} without end, ${options.hours} simulated hours`)
      floods.push(await runFlood(store, options))
    }
  } finally {
    await store.close()
  }
  const named = (flood: FloodOptions) => `${flood.behind} behind ${flood.flood}`
  return {
    tables: [
      {
        title: "A flood without end, simulated time: how long the level below waits",
        columns: [
          "",
          "simulated hours",
          "started",
          "failed as too old",
          "longest wait of those that ended, h",
        ],
        rows: floods.map((flood) => [
          ...[named(flood), flood.hours, flood.started, flood.tooOld, flood.longestHours.toFixed(1)],
        ]),
      },
    ],
    plots: [
      {
        file: "replay-head-starts",
        title: "A flood without end: how long the oldest of the level below has waited",
        x: { name: "hours since the flood began", isLogarithmic: true },
        y: { name: "oldest wait, h", isLogarithmic: true },
        series: floods.map((flood) => ({ name: named(flood), points: flood.curve })),
      },
    ],
    goals: [],
    notes: [
      "What passes is as published: `low` passes `normal` after 2.5 h, `normal` passes `high` after 25 h, up to 2 h more while " +
        "fairness lets a busy level lag. `high` would pass `critical` after 250 h, and fails as too old at 168 h " +
        "(`MAX_PENDING_AGE_SECONDS`): critical is for what may starve everything else.",
    ],
  }
}

async function runFlood(store: TestStore, options: FloodOptions): Promise<Flood> {
  const { flood, behind, serveEveryMs, hours } = options
  const queue = createTestQueue(store, { name: `behind-${flood}`, settings: { fairShareMs: 4 } })
  const startedAt = queue.clock()
  const waiting = new Map<string, number>()
  const result: Flood = { ...options, started: 0, tooOld: 0, longestHours: 0, curve: [] }
  const turns = Math.round((hours * HOUR_MS) / serveEveryMs)
  const end = (requestId: string, how: "started" | "tooOld") => {
    const since = waiting.get(requestId)
    if (since === undefined) return
    waiting.delete(requestId)
    result[how] += 1
    result.longestHours = Math.max(result.longestHours, (queue.clock() - since) / HOUR_MS)
  }
  for (let turn = 0; turn < turns; turn++) {
    queue.clock.set(startedAt + turn * serveEveryMs)
    const comers = turn === 0 ? BACKLOG : 1
    await queue.enqueue(Array.from({ length: comers }, () => queue.newRequest({ priority: flood })))
    if (turn % BEHIND_EVERY === 0) {
      const [requestId = ""] = await queue.enqueueEach({ priority: behind, organizationId: "behind" })
      waiting.set(requestId, queue.clock())
    }
    const { requests, overdue, maintenanceDue } = await queue.take({ limit: 1 })
    for (const { lease } of requests) end(lease.requestId, "started")
    for (const { lease } of overdue) end(lease.requestId, "tooOld")
    await queue.settle([
      ...requests.map((claimed) => settlement(claimed, "completed")),
      ...overdue.map((each) => settlement(each, "failed")),
    ])
    if (maintenanceDue) await queue.maintain()
    const [oldestSince = queue.clock()] = waiting.values()
    const hoursSince = (at: number) => (queue.clock() - at) / HOUR_MS
    if (hoursSince(startedAt) >= PLOTTED_FROM_HOURS && oldestSince < queue.clock()) {
      result.curve.push([round(hoursSince(startedAt)), round(hoursSince(oldestSince))])
    }
  }
  return result
}
