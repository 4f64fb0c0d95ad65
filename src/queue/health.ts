import { learn, type QueueContext } from "./context.ts"
import type { QueueHealth } from "./contract.ts"

/** Two ticks that did not come, and some more: a single late one is normal. */
const NO_DRAIN_MS = 150_000

/** One round trip and one command, two where there is a line that this process has not met. Never throws: a store that does not answer is `down`. */
export async function readHealth(context: QueueContext): Promise<QueueHealth> {
  const startedAt = context.clock()
  try {
    const fields = ["drains", "since", "lines", ...context.lines.map((line) => `pending:${line}`)]
    const [values] = await context.store.query<[(string | null)[]]>("health", [
      ["HMGET", context.keys.meta, ...fields],
    ])
    const [drains, since, registered = "", ...pending] = values.map((value) => value ?? "")
    if (learn(context, registered.split(" "))) return readHealth(context)
    const now = context.clock()
    const lastRunAt = Number(/^\S+ \S+ (\d+)/.exec(drains ?? "")?.[1] ?? 0) || null
    const backlog = pending
      .flatMap((counts) => counts.split(" ").map(Number))
      .reduce((total, count) => total + count, 0)
    const undrainedSince = Math.max(lastRunAt ?? 0, Number(since))
    return {
      status: backlog > 0 && now - undrainedSince > NO_DRAIN_MS ? "degraded" : "ok",
      store: { ok: true, latencyMs: now - startedAt },
      drain: { lastRunAt, ageMs: lastRunAt === null ? null : Math.max(now - lastRunAt, 0) },
      backlog,
      unservedLines: [],
      troubled: [],
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
