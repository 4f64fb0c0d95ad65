import { findTroubles } from "../core/troubles.ts"
import type { QueueContext } from "./context.ts"
import type { QueueFigures } from "./figures-contract.ts"
import { addCounters, durationsByName, durationsOf, readCounters, readUnrolled } from "./minutes.ts"
import { readFiguresOfNow } from "./pulse.ts"

/** As `readPulse`, and at its cost: what was counted since ever stands beside what tells of now. */
export async function readFigures(context: QueueContext): Promise<QueueFigures> {
  const { figures, meta } = await readFiguresOfNow(context, ["totals", "rolledAt"])
  const counters = addCounters(new Map(), meta.totals ?? "")
  for (const minute of readUnrolled(meta)) addCounters(counters, minute.counters)
  const { waits, providerTimes, ...counted } = readCounters(counters)
  return {
    ...counted,
    waits: durationsOf(waits),
    providerTimes: durationsByName(providerTimes),
    pulse: { ...figures, troubles: findTroubles(figures) },
  }
}
