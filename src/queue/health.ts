import { learn, type QueueContext } from "./context.ts"
import { recentStarts } from "./estimate.ts"
import type { QueueHealth } from "./figures-contract.ts"
import { providerOfLine } from "./targets.ts"

/** Two ticks that did not come, and some more: a single late one is normal. */
const NO_DRAIN_MS = 150_000

/** One round trip and one command, two where there is a line that this process has not met. Never throws: a store that does not answer is `down`. */
export async function readHealth(context: QueueContext): Promise<QueueHealth> {
  const startedAt = context.clock()
  try {
    const { lines } = context
    const { providers } = context.settings
    const fields = [
      ...["drains", "since", "lines"],
      ...lines.map((line) => `pending:${line}`),
      ...providers.map((name) => `breaker:${name}`),
      ...lines.map((line) => `starts:${line}`),
    ]
    const [values] = await context.store.query<[(string | null)[]]>("health", [
      ["HMGET", context.keys.meta, ...fields],
    ])
    const [drains, since, registered = "", ...rest] = values.map((value) => value ?? "")
    if (learn(context, registered.split(" "))) return readHealth(context)
    const pending = lines.map((_, i) =>
      (rest[i] ?? "").split(" ").reduce((sum, count) => sum + Number(count), 0),
    )
    const now = context.clock()
    const lastRunAt = Number(/^\S+ \S+ (\d+)/.exec(drains ?? "")?.[1] ?? 0) || null
    const backlog = pending.reduce((total, count) => total + count, 0)
    const undrainedSince = Math.max(lastRunAt ?? 0, Number(since))
    const starts = rest.slice(lines.length + providers.length)
    const unservedLines = lines.filter((line, i) =>
      providerOfLine(line) === line
        ? pending[i] && !providers.includes(line)
        : pending[i] && isStalled(starts[i] ?? "", now),
    )
    const isUndrained = backlog > 0 && now - undrainedSince > NO_DRAIN_MS
    return {
      status: isUndrained || unservedLines.length > 0 ? "degraded" : "ok",
      store: { ok: true, latencyMs: now - startedAt },
      drain: { lastRunAt, ageMs: lastRunAt === null ? null : Math.max(now - lastRunAt, 0) },
      ...{ backlog, unservedLines },
      troubled: providers.filter((_, i) => rest[lines.length + i]?.startsWith("o ")),
    }
  } catch {
    return {
      status: "down",
      store: { ok: false, latencyMs: null },
      drain: { lastRunAt: null, ageMs: null },
      backlog: 0,
      unservedLines: [],
      troubled: [],
    }
  }
}

/** Requests of a route or with fallbacks have several targets; when none is configured any more, nothing of them starts. */
export function isStalled(starts: string, now: number): boolean {
  const { count, busyMs } = recentStarts(starts, now)
  return count === 0 && busyMs > NO_DRAIN_MS
}
