import { FINISHED_STATES, type FinishedState } from "../core/request.ts"
import { learn, type QueueContext } from "./context.ts"

/** How many finished requests' TTL ends on a day (counted from the epoch). */
export interface KeptDay {
  day: number
  count: number
}

/** Reads `20541:17 20542:3`, written by `lua/include/finish.lua`. */
export function parseKept(text: string): KeptDay[] {
  return text
    .split(" ")
    .filter(Boolean)
    .map((entry) => {
      const [day = 0, count = 0] = entry.split(":").map(Number)
      return { day, count }
    })
}

/** The days under which finished requests are indexed, per state; learns all lines on the way. One command. */
export async function readKept(context: QueueContext): Promise<Record<FinishedState, KeptDay[]>> {
  const fields = [...FINISHED_STATES.map((state) => `kept:${state}`), "lines"]
  const [values] = await context.store.query<[(string | null)[]]>("kept", [
    ["HMGET", context.keys.meta, ...fields],
  ])
  const [completed = "", failed = "", cancelled = "", lines = ""] = values.map((value) => value ?? "")
  learn(context, lines.split(" "))
  return { completed: parseKept(completed), failed: parseKept(failed), cancelled: parseKept(cancelled) }
}
