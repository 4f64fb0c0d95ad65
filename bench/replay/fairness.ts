import type { SectionOptions, SectionResult } from "../section.ts"
import { oldestWaitCurve, round, waitCells, waitsOf } from "./curves.ts"
import { noteMachine, type PlayedRequest, play } from "./play.ts"
import { drawRequests, type Plan, planEvenly } from "./workload.ts"

const LANES = 4
const BACKLOG = 10_000
const SMALL_TENANTS = 10
/** Each. */
const PER_SECOND = 0.2
const FULL_MS = 240_000
const SPAN_MS = 120_000
const SIZE = { contextTokens: 250, generatedTokens: 60, priority: "normal" } as const
const FLOODER = "flooder"
const STEP_MS = 2000
const KINDS = [
  { name: "taking turns", env: {} },
  { name: "first in, first out", env: { FAIR_SHARE_MS: "0" } },
]

/** One tenant has a backlog of 10,000; ten others send a request now and then. With fairness, and without. */
export async function replayFairness({ isFull, report }: SectionOptions): Promise<SectionResult> {
  const spanMs = isFull ? FULL_MS : SPAN_MS
  const backlog = Array.from(
    { length: BACKLOG },
    (): Plan => ({ ...SIZE, arrivalMs: -1, organizationId: FLOODER }),
  )
  const small = Array.from({ length: SMALL_TENANTS }, (_, tenant) =>
    planEvenly(PER_SECOND, [(tenant * 1000) / SMALL_TENANTS, spanMs], {
      ...SIZE,
      organizationId: `small-${tenant + 1}`,
    }),
  )
  const requests = drawRequests([...backlog, ...small.flat().toSorted((a, b) => a.arrivalMs - b.arrivalMs)])
  const runs = []
  for (const { name, env } of KINDS) {
    report(`${BACKLOG} of one tenant before ${SMALL_TENANTS} small tenants, ${name}, ${LANES} lanes`)
    const played = await play({ requests, lanes: LANES, env, untilMs: spanMs })
    const [flooder, others] = [
      played.requests.filter(isFlooder),
      played.requests.filter((each) => !isFlooder(each)),
    ]
    runs.push({ ...played, name, flooder, others })
  }

  const title = `One tenant with ${BACKLOG} pending and ${SMALL_TENANTS} that send ${PER_SECOND}/s each, ${LANES} lanes, ${spanMs / 1000} s`
  const rows = runs.map(({ name, flooder, others }) => {
    const waits = waitsOf(others)
    const cells = waitCells(waits, [0.5, 0.95, 1], 2)
    return [name, waitsOf(flooder).length, `${waits.length} of ${others.length}`, ...cells]
  })
  return {
    tables: [
      {
        title,
        columns: [
          "order",
          "started of the flooder",
          "started of the small tenants",
          "their wait p50, s",
          "p95",
          "longest",
        ],
        rows,
      },
    ],
    plots: [
      {
        file: "replay-fairness-wait",
        title: `${BACKLOG.toLocaleString("en")} pending of one tenant: how long the oldest request of the small tenants has waited`,
        x: { name: "minutes" },
        y: { name: "oldest wait, s" },
        series: runs.map(({ name, others }) => ({ name, points: oldestWaitCurve(others, STEP_MS, spanMs) })),
      },
      {
        file: "replay-fairness-share",
        title: `${BACKLOG.toLocaleString("en")} pending of one tenant: share completed of what has arrived by then`,
        x: { name: "minutes" },
        y: { name: "completed, %" },
        series: runs.flatMap(({ name, flooder, others }) => [
          { name: `small tenants, ${name}`, points: completedCurve(others, spanMs) },
          { name: `flooder, ${name}`, points: completedCurve(flooder, spanMs) },
        ]),
      },
    ],
    goals: [],
    notes: noteMachine(title, runs),
  }
}

function isFlooder({ organizationId }: PlayedRequest): boolean {
  return organizationId === FLOODER
}

function completedCurve(requests: PlayedRequest[], spanMs: number): [number, number][] {
  const points: [number, number][] = []
  for (let ms = STEP_MS; ms <= spanMs; ms += STEP_MS) {
    const arrived = requests.filter(({ arrivalMs }) => arrivalMs <= ms)
    const ended = arrived.filter(({ endedMs }) => endedMs !== null && endedMs <= ms)
    points.push([round(ms / 60_000), round((100 * ended.length) / arrived.length)])
  }
  return points
}
