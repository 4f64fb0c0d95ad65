import type { Clock, Random } from "../core/clock.ts"
import { AppError } from "../core/errors.ts"
import type { StateCounts } from "../queue/copy/contract.ts"
import { CopyStore } from "../queue/copy/copy-store.ts"
import { countPresent, recount } from "../queue/copy/recount.ts"
import { restoreRequest } from "../queue/copy/restored.ts"
import { restoreMeta } from "../queue/copy/restored-meta.ts"
import { Tally } from "../queue/copy/tally.ts"
import { finishTarget, isWhole, takeTarget } from "../queue/copy/target.ts"
import { QueueWriter } from "../queue/copy/writer.ts"
import { batchChores, keptChores } from "./chores.ts"
import { type DumpSource, parse, type Survey } from "./survey.ts"

/** So that little is repeated after an interruption, and few round trips are made. */
const LINES_PER_FLUSH = 500
const NAMES_PER_LOOK = 500
const HEADER_AND_FOOTER = 2

export interface RestoreOptions {
  redis: { url: string; token: string }
  queueName: string
  clock?: Clock
  random?: Random
  signal: AbortSignal
  source: DumpSource
  survey: Survey
  /** Lines that are known to be stored already. */
  done: number
  /** Lines up to here are stored. */
  onDone(lines: number): void
}

/** Something that is not as the dump says. */
interface Difference {
  organizationId: string | null
  what: string
  expected: number
  found: number
}

export interface RestoreReport {
  /** Empty: all is there. */
  differences: Difference[]
  /** Requests that were put back, by organization. */
  states: Record<string, StateCounts>
  left: Tally["left"]
  commands: number
}

/**
 * Puts a dump into an empty queue, or goes on with it, and compares what is there with the dump. The queue is paused.
 * Throws `conflict` for a queue that holds anything else, and when the signal is aborted.
 */
export async function restoreDump(options: RestoreOptions): Promise<RestoreReport> {
  const { redis, queueName, clock = Date.now, random = Math.random, signal, survey } = options
  const store = new CopyStore({ redis, queueName, clock, random, signal })
  const { tally, rules, meta, footer } = survey
  const total = footer.requests + footer.pages + HEADER_AND_FOOTER
  if (options.done < total || !(await isWhole(store))) {
    const isBegun = await takeTarget(store, footer.sha256)
    await writeLines(store, options, isBegun ? options.done : 0)
    options.onDone(total)
    await finishTarget(store, footer.sha256, restoreMeta(meta, tally, rules.batches, clock()))
  }
  const differences = await compare(store, options)
  const states = Object.fromEntries(tally.byOrganization)
  return { differences, states, left: tally.left, commands: store.commands }
}

async function writeLines(store: CopyStore, options: RestoreOptions, done: number): Promise<void> {
  const { source, survey, signal, onDone } = options
  const { tally, rules } = survey
  const writer = new QueueWriter(store)
  let unflushed = 0
  for await (const { number, line } of parse(source)) {
    if (number <= done) continue
    if (line.kind === "live" || line.kind === "ended") {
      const restored = restoreRequest(line, rules)
      if (typeof restored !== "string") writer.addRequest(line, restored)
    } else if (line.kind === "key" && line.name !== "meta") {
      writer.addPage(line.name === "chores" ? keptChores(line, tally, rules.batches) : line)
    }
    unflushed += 1
    if (!writer.isFull && unflushed < LINES_PER_FLUSH) continue
    await writer.flush()
    onDone(number)
    unflushed = 0
    if (signal.aborted) throw new AppError("conflict", "interrupted")
  }
  writer.addPage(batchChores(rules.batches, store.clock()))
  await writer.flush()
}

/** Everything that has not ended since, by name and by count. */
async function compare(store: CopyStore, { source, survey }: RestoreOptions): Promise<Difference[]> {
  const { rules } = survey
  // What ends in these moments is there or not.
  const at = store.clock() + 60_000
  const expected = new Tally()
  const missing = { outcomes: 0, bodies: 0, keys: 0 }
  const asked: Record<keyof typeof missing, string[]> = { outcomes: [], bodies: [], keys: [] }
  const look = async (least: number) => {
    for (const kind of Object.keys(asked) as (keyof typeof missing)[]) {
      if (asked[kind].length < least) continue
      const names = [...new Set(asked[kind].splice(0))]
      missing[kind] += names.length - (await countPresent(store, names))
    }
  }
  for await (const { line } of parse(source)) {
    if (line.kind === "live" || line.kind === "ended") {
      const restored = restoreRequest(line, { ...rules, asOf: Math.max(at, rules.asOf) })
      if (typeof restored === "string") continue
      expected.add(restored)
      if (line.kind === "ended") asked.outcomes.push(`outcome:${line.requestId}`)
      else if (line.body !== "") asked.bodies.push(`body:${line.requestId}`)
    } else if (line.kind === "key" && line.name !== "chores" && line.name !== "meta") {
      if (line.values.length > 0 && (line.expiresAt === null || line.expiresAt > at))
        asked.keys.push(line.name)
    }
    await look(NAMES_PER_LOOK)
  }
  await look(1)
  const gone = Object.entries(missing).map(([what, count]) => ({
    ...{ organizationId: null, what: `missing ${what}`, expected: 0, found: count },
  }))
  const stored = await recount(store, at)
  return [...gone.filter(({ found }) => found > 0), ...differing(expected.byOrganization, stored)]
}

type Counts = Map<string, StateCounts>

function differing(expected: Counts, found: Counts): Difference[] {
  const names = new Set([...expected.keys(), ...found.keys()])
  return [...names].sort().flatMap((organizationId) =>
    STATES.map((what) => ({
      ...{ organizationId, what },
      expected: expected.get(organizationId)?.[what] ?? 0,
      found: found.get(organizationId)?.[what] ?? 0,
    })).filter((each) => each.expected !== each.found),
  )
}

const STATES = ["scheduled", "pending", "processing", "completed", "failed", "cancelled"] as const
