import type { Clock } from "../core/clock.ts"
import type { Config } from "../core/config.ts"
import { AppError } from "../core/errors.ts"
import type { Keys } from "./keys.ts"
import { encodeLimits } from "./limits.ts"
import type { ScriptCall, Store } from "./store.ts"

export type QueueSettings = Pick<
  Config,
  | "maxProcessingTimeMs"
  | "retryPenaltyMs"
  | "deadLetterTtlSeconds"
  | "maxPending"
  | "maxPendingPerOrganization"
  | "maxPendingAgeSeconds"
  | "fairShareMs"
  | "limits"
  | "commandBudget"
> & {
  /** The providers that are configured: claims serve their lines. */
  providers: string[]
}

/** What every operation of one queue works with. */
export interface QueueContext {
  store: Store
  keys: Keys
  clock: Clock
  settings: QueueSettings
  /** Lines known to this process: the configured ones, and those that others have registered in `meta`. */
  lines: string[]
  nextOp: () => string
}

/** The keys of all known lines, as scripts take them, and their names as one argument. */
export function lineKeys({ keys, lines }: QueueContext): string[] {
  return lines.flatMap((line) => [keys.line(line), keys.leases(line)])
}

/** What the scripts of a drain begin with: time, lines, what providers may do, and how requests enter lines. */
export function drainArgs({ clock, lines, settings }: QueueContext): (string | number)[] {
  return [
    ...[clock(), lines.join(" "), settings.providers.join(" "), encodeLimits(settings.limits)],
    ...[settings.retryPenaltyMs, settings.fairShareMs],
  ]
}

/** Each round learns lines, so a second one suffices unless others add some at that very moment. */
const ROUNDS = 3

/**
 * Runs scripts that take line keys. One that meets a line this process does not know (its provider is configured
 * elsewhere, or no longer) changes nothing and names all lines; then it runs again with their keys. That costs a
 * second round trip, once per process and line.
 */
export async function runWithLines<Replies extends unknown[]>(
  context: QueueContext,
  op: string,
  build: () => ScriptCall[],
): Promise<Replies> {
  const replies: unknown[] = []
  let calls = build()
  let indexes = [...calls.keys()]
  for (let round = 0; round < ROUNDS; round++) {
    const answers = await context.store.run(
      op,
      indexes.flatMap((i) => calls[i] ?? []),
    )
    for (const [i, index] of indexes.entries()) replies[index] = answers[i]
    indexes = indexes.filter((index) => learnLines(context, replies[index]))
    if (indexes.length === 0) return replies as Replies
    calls = build()
  }
  throw new AppError("store_unavailable", "The queue's lines keep changing.", { op })
}

/** True when the script must run again; another call of this process may have learned the same lines meanwhile. */
function learnLines(context: QueueContext, reply: unknown): boolean {
  if (!Array.isArray(reply) || reply[0] !== "lines") return false
  learn(context, String(reply[1]).split(" "))
  return true
}

/** Adds lines to the known ones; false when there was nothing new. */
export function learn(context: QueueContext, lines: string[]): boolean {
  const unknown = lines.filter((line) => line !== "" && !context.lines.includes(line))
  context.lines = [...context.lines, ...new Set(unknown)]
  return unknown.length > 0
}
