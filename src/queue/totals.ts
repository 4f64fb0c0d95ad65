import type { QueueContext } from "./context.ts"
import {
  addCounters,
  type CounterFigures,
  type Counters,
  MINUTE_FIELDS,
  parseSlot,
  readCounters,
} from "./minutes.ts"

/** All that was ever counted: what rolls have taken together, and the minutes that none has taken yet. */
export async function readTotals({ keys, store }: QueueContext): Promise<CounterFigures> {
  const fields = ["totals", "rolledAt", ...MINUTE_FIELDS]
  const [values] = await store.query<[(string | null)[]]>("totals", [["HMGET", keys.meta, ...fields]])
  const [totals, rolledAt, ...slots] = values.map((value) => value ?? "")
  const counters: Counters = addCounters(new Map(), totals ?? "")
  for (const slot of slots.map(parseSlot)) {
    if (slot !== null && slot.minute > Number(rolledAt)) addCounters(counters, slot.counters)
  }
  return readCounters(counters)
}
