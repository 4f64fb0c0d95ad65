import type { Clock } from "../core/clock.ts"
import type { Config } from "../core/config.ts"
import type { Keys } from "./keys.ts"
import type { ScriptCall, Store } from "./store.ts"

export type QueueSettings = Pick<
  Config,
  | "maxProcessingTimeMs"
  | "retryPenaltyMs"
  | "deadLetterTtlSeconds"
  | "maxPending"
  | "maxPendingPerOrganization"
  | "maxPendingAgeSeconds"
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

/**
 * Runs scripts that take line keys. One that meets a line this process does not know (its provider is configured
 * elsewhere, or no longer) changes nothing and names it; then all run once more. That costs a second round trip,
 * once per process and line.
 */
export async function runWithLines<Replies extends unknown[]>(
  context: QueueContext,
  op: string,
  build: () => ScriptCall[],
): Promise<Replies> {
  const calls = build()
  const replies = await context.store.run<Replies>(op, calls)
  const stale = calls.filter((_, i) => learnLines(context, replies[i]))
  if (stale.length === 0) return replies
  const rebuilt = build().filter((_, i) => stale.includes(calls[i] as ScriptCall))
  const again = await context.store.run(op, rebuilt)
  return replies.map((reply, i) =>
    stale.includes(calls[i] as ScriptCall) ? again.shift() : reply,
  ) as Replies
}

function learnLines(context: QueueContext, reply: unknown): boolean {
  return Array.isArray(reply) && reply[0] === "lines" && learn(context, String(reply[1]).split(" "))
}

/** Adds lines to the known ones; false when there was nothing new. */
export function learn(context: QueueContext, lines: string[]): boolean {
  const unknown = lines.filter((line) => line !== "" && !context.lines.includes(line))
  context.lines = [...context.lines, ...new Set(unknown)]
  return unknown.length > 0
}
