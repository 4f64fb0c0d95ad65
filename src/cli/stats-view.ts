import type { QueueStats, TenantStats } from "../client/client.ts"
import { PRIORITIES, STATES } from "../core/request.ts"
import { formatDuration, formatInstant } from "./format.ts"
import { formatFields, formatTable, paint, paintState } from "./output.ts"

type Stats = QueueStats | TenantStats

/** All figures, as tables. */
export function formatStats(stream: NodeJS.WriteStream, stats: Stats): string {
  const counts = formatTable(
    stream,
    STATES.map((state) => state),
    [STATES.map((state) => stats.counts[state])],
  )
  if (!isWhole(stats)) return stats.partial ? `${counts}\n\n${paint(stream, "dim", PARTIAL)}` : counts
  const parts = [counts, formatFlow(stream, stats), formatProviders(stream, stats)]
  if (stats.lanes.length > 0) parts.push(formatLanes(stream, stats))
  return parts.join("\n\n")
}

const PARTIAL = "Of the newest 1,000 requests; there are older ones."

/** The same in one line, where lines cannot be overwritten. */
export function summarizeStats(stats: Stats): string {
  const counts = STATES.map((state) => `${state} ${stats.counts[state]}`).join(", ")
  const { throughput } = isWhole(stats) ? stats : {}
  const rate = throughput === undefined ? "" : `; last minute: ${throughput.completedLastMinute} completed`
  return `${formatInstant(Date.now())} ${counts}${rate}`
}

function isWhole(stats: Stats): stats is QueueStats {
  return "throughput" in stats
}

function formatFlow(stream: NodeJS.WriteStream, stats: QueueStats): string {
  const { throughput, waitMs, providerMs, pendingByPriority, commands } = stats
  const percentiles = ({ p50, p95, p99 }: typeof waitMs) =>
    p50 === null ? null : [p50, p95, p99].map(formatDuration).join(" / ")
  return formatFields(stream, [
    ["pending by priority", PRIORITIES.map((each) => `${each} ${pendingByPriority[each]}`).join(", ")],
    ["oldest pending", formatDuration(stats.oldestPendingAgeMs)],
    [
      "last minute",
      `${throughput.enqueuedLastMinute} enqueued, ${throughput.completedLastMinute} completed, ` +
        `${throughput.failedLastMinute} failed, ${throughput.retriedLastMinute} retried`,
    ],
    ["wait, p50 / p95 / p99", percentiles(waitMs)],
    ["call, p50 / p95 / p99", percentiles(providerMs)],
    ["Redis commands", formatCommands(commands)],
  ])
}

function formatCommands({ today, yesterday, lastMinute, budget }: QueueStats["commands"]): string {
  const share = budget === null ? "" : ` (${Math.round((today / budget) * 100)} % of ${budget})`
  return `${today} today${share}, ${yesterday} yesterday, ${lastMinute} in the last minute`
}

function formatProviders(stream: NodeJS.WriteStream, { providers, pendingByProvider }: QueueStats): string {
  const names = [...new Set([...Object.keys(providers), ...Object.keys(pendingByProvider)])].sort()
  const rows = names.map((name) => {
    const state = providers[name]
    const pending = pendingByProvider[name] ?? 0
    if (state === undefined) return [name, pending, 0, paint(stream, "red", "not served"), null]
    return [name, pending, state.inFlight, describe(stream, state), formatInstant(state.blockedUntil)]
  })
  return formatTable(stream, ["provider", "pending", "in flight", "state", "blocked until"], rows)
}

function describe(stream: NodeJS.WriteStream, { breaker, paused }: QueueStats["providers"][string]): string {
  if (paused) return paint(stream, "yellow", "paused")
  return breaker === "closed"
    ? paintState(stream, "ok")
    : paint(stream, "red", `breaker ${breaker.replace("_", " ")}`)
}

function formatLanes(stream: NodeJS.WriteStream, { lanes }: QueueStats): string {
  const rows = lanes.map(({ name, lastClaimAt, completed, failed, retried, errors, lastError }) => [
    name,
    formatInstant(lastClaimAt),
    ...[completed, failed, retried, errors],
    lastError,
  ])
  return formatTable(
    stream,
    ["lane", "last claim", "completed", "failed", "retried", "errors", "last error"],
    rows,
  )
}
