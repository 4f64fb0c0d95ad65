import { PRIORITIES } from "../../src/core/request.ts"
import { percentile } from "../median.ts"
import type { Plot, SectionOptions, SectionResult, Table } from "../section.ts"
import { inFlightCurve, lastEndOf, mostInFlight, rateCurve, waitCells, waitsOf } from "./curves.ts"
import { noteMachine, type Play, play } from "./play.ts"
import { drawRequests, planTrace } from "./workload.ts"

const TRACES = [
  { name: "conv", what: "chats" },
  { name: "code", what: "code completions" },
] as const
const SLICE_MS = 240_000
const POINTS = 60
/** A logarithmic axis has no zero; below is what the scene's clock cannot tell. */
const LEAST_WAIT_S = 0.01

type Run = Play & { lanes: number }

/** Two traces of production through few and many lanes. */
export async function replayTraces({ isFull, report }: SectionOptions): Promise<SectionResult> {
  const result: SectionResult = { tables: [], plots: [], goals: [], notes: [] }
  for (const { name, what } of TRACES) {
    const requests = drawRequests(planTrace(name, isFull ? Number.POSITIVE_INFINITY : SLICE_MS))
    const minutes = Math.round((requests.at(-1)?.arrivalMs ?? 0) / 60_000)
    const title = `${requests.length} ${what} in ${minutes} minutes`
    const runs: Run[] = []
    for (const lanes of isFull ? [1, 2, 4, 8, 16, 32] : [1, 4, 16]) {
      report(`${title}, ${lanes} lanes`)
      runs.push({ lanes, ...(await play({ requests, lanes })) })
    }
    result.tables.push(tabulateWaits(title, runs), tabulateRuns(title, runs))
    result.notes.push(...noteMachine(title, runs))
    result.plots.push(...plotRuns(name, title, runs))
  }
  return result
}

function tabulateWaits(title: string, runs: Run[]): Table {
  const rows = runs.flatMap(({ lanes, requests }) =>
    PRIORITIES.map((priority) => {
      const waits = waitsOf(requests, priority)
      const cells = waitCells(waits, [0.5, 0.95, 0.99], 2)
      return [lanes, priority, waits.length, ...cells]
    }),
  )
  const columns = ["lanes", "priority", "requests", "p50", "p95", "p99"]
  return { title: `${title}: from arrival to the provider, s`, columns, rows }
}

function tabulateRuns(title: string, runs: Run[]): Table {
  const rows = runs.map(({ lanes, requests, calls, completed, commands, processorShare }) => {
    const starts = rateCurve(startsOf(requests), 60_000).map(([, perMinute]) => perMinute)
    const tailMs = lastEndOf(requests) - (requests.at(-1)?.arrivalMs ?? 0)
    return [
      ...[lanes, `${completed} of ${requests.length}`, (calls / requests.length).toFixed(3)],
      (commands / requests.length).toFixed(1),
      ...[Math.max(...starts), mostInFlight(requests), (tailMs / 1000).toFixed(0)],
      `${Math.round(processorShare * 100)} %`,
    ]
  })
  const columns = [
    ...[
      "lanes",
      "completed",
      "calls ÷ requests",
      "commands ÷ requests",
      "most calls a minute",
      "most in flight",
    ],
    ...["last answer after the last arrival, s", "processors busy"],
  ]
  return { title: `${title}: calls`, columns, rows }
}

function plotRuns(name: string, title: string, runs: Run[]): Plot[] {
  const endMs = Math.max(...runs.map(({ requests }) => lastEndOf(requests)))
  const stepMs = Math.ceil(endMs / POINTS / 1000) * 1000
  const minutes = { name: "minutes since the first arrival" }
  const arrivals = runs[0]?.requests.map(({ arrivalMs }) => arrivalMs) ?? []
  const ofEach = (points: (run: Run) => [number, number][]) =>
    runs.map((run) => ({ name: run.lanes === 1 ? "1 lane" : `${run.lanes} lanes`, points: points(run) }))
  return [
    {
      file: `replay-${name}-wait`,
      title: `${title}: wait until the provider is called, 95th percentile`,
      x: { name: "lanes", isLogarithmic: true, logBase: 2 },
      y: { name: "wait, s", isLogarithmic: true },
      series: PRIORITIES.map((priority) => ({
        name: priority,
        points: runs.map(({ lanes, requests }): [number, number] => [
          lanes,
          Math.max(LEAST_WAIT_S, percentile(waitsOf(requests, priority), 0.95)),
        ]),
      })),
    },
    {
      file: `replay-${name}-in-flight`,
      title: `${title}: calls in flight, mean of ${stepMs / 1000} s`,
      x: minutes,
      y: { name: "calls in flight" },
      series: ofEach(({ requests }) => inFlightCurve(requests, stepMs)),
    },
    {
      file: `replay-${name}-rate`,
      title: `${title}: arrivals and calls started`,
      x: minutes,
      y: { name: "requests a minute" },
      series: [
        { name: "arrivals", points: rateCurve(arrivals, stepMs) },
        ...ofEach(({ requests }) => rateCurve(startsOf(requests), stepMs)),
      ],
    },
  ]
}

function startsOf(requests: Play["requests"]): (number | null)[] {
  return requests.map(({ startedMs }) => startedMs)
}
