import type { QueueContext } from "./context.ts"
import type { QueueFigures } from "./figures-contract.ts"
import {
  addCounters,
  durationsByName,
  durationsOf,
  MINUTE_FIELDS,
  readCounters,
  readUnrolled,
} from "./minutes.ts"
import { countPending, pendingByLine, readMeta } from "./read-meta.ts"

/** One round trip and two commands; one more of each where there is a line that this process has not met. */
export async function readFigures(context: QueueContext): Promise<QueueFigures> {
  const own = ["load", "totals", "rolledAt", ...MINUTE_FIELDS]
  const ofLine = (line: string) => [`pending:${line}`]
  const scheduledCount = ["ZCARD", context.keys.scheduled]
  const { meta, replies } = await readMeta<[number]>(context, "figures", { own, ofLine }, [scheduledCount])
  const counters = addCounters(new Map(), meta.totals ?? "")
  for (const minute of readUnrolled(meta)) addCounters(counters, minute.counters)
  const { waits, providerTimes, ...counted } = readCounters(counters)
  const pending = pendingByLine(context, meta)
  const [scheduled] = replies
  return {
    at: context.clock(),
    ...counted,
    waits: durationsOf(waits),
    providerTimes: durationsByName(providerTimes),
    ...{ pending, scheduled },
    // What is in flight changes between the two commands.
    processing: Math.max(Number(meta.load) - countPending(pending) - scheduled, 0),
  }
}
