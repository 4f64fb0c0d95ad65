import { styleText } from "node:util"
import type { ProbedProvider } from "./probe-providers.ts"
import type { DemoRequest } from "./run-requests.ts"
import { percentile, type Tally, tallyByPriority } from "./tally.ts"

type Row = (string | number)[]

/** Right-aligned columns, except the first. Without a terminal, or with NO_COLOR, there is no style in it. */
function formatTable(heading: string[], rows: Row[]): string {
  const lines = [heading, ...rows.map((row) => row.map(String))]
  const widths = heading.map((_, i) => Math.max(...lines.map((line) => (line[i] ?? "").length)))
  const format = (line: string[]) =>
    `  ${line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ")}`
  return [styleText("bold", format(heading)), ...lines.slice(1).map(format)].join("\n")
}

/** While it runs: where the requests are. */
export function formatProgress(requests: DemoRequest[], elapsedMs: number, width: number): string {
  const tallies = tallyByPriority(requests)
  const all = tallies.at(-1) as Tally
  const done = finishedOf(all) + all.problems
  const barWidth = Math.max(10, Math.min(40, width - 40))
  const filled = Math.round((barWidth * done) / all.requests)
  const bar = styleText("cyan", "━".repeat(filled)) + styleText("dim", "─".repeat(barWidth - filled))
  const head = `  ${bar} ${done} of ${all.requests} ended · ${Math.round(elapsedMs / 1000)} s`
  const heading = ["priority", "posted", "waiting", "called now", "ended"]
  const rows = tallies.map((each) => [
    each.label,
    each.posted,
    each.waiting,
    each.processing,
    finishedOf(each),
  ])
  return `${head}\n\n${formatTable(heading, rows)}`
}

/** In the end: what became of them, and how long they waited for their first call. */
export function formatSummary(requests: DemoRequest[]): string {
  const heading = ["priority", "requests", "completed", "failed", "cancelled", "retried"]
  const rows = tallyByPriority(requests).map(({ label, requests: count, outcomes, retried, waits }) => [
    ...[label, count, outcomes.completed, outcomes.failed, outcomes.cancelled, retried],
    ...[0.5, 0.95, 1].map((share) => formatMs(percentile(waits, share))),
  ])
  return formatTable([...heading, "wait p50", "p95", "max"], rows)
}

/** What keeps the demo from being a success, a line each, the same ones together. Empty: nothing. */
export function listProblems(requests: DemoRequest[], providers: Record<string, ProbedProvider>): string[] {
  const problems = requests.flatMap(({ planned, problem, status }) => {
    if (problem !== null) return [problem]
    const isUnasked = providers[planned.provider]?.simulated === true && status?.simulated !== true
    return isUnasked ? ["answered by a real provider, which nobody agreed to"] : []
  })
  return [...new Set(problems)].map(
    (problem) => `${problems.filter((each) => each === problem).length} × ${problem}`,
  )
}

function finishedOf({ outcomes }: Tally): number {
  return outcomes.completed + outcomes.failed + outcomes.cancelled
}

function formatMs(ms: number | null): string {
  if (ms === null) return "–"
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
