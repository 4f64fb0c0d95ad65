import { PRIORITIES } from "../../src/core/request.ts"
import type { SectionOptions, SectionResult } from "../section.ts"
import { lastEndOf, oldestWaitCurve, waitCells, waitsOf } from "./curves.ts"
import { noteMachine, play } from "./play.ts"
import { drawRequests, type Plan, planEvenly } from "./workload.ts"

const LANES = 1
/** One lane starts five or six a second. */
const CRITICAL_PER_SECOND = 8
const OTHERS_PER_SECOND = { high: 0.4, normal: 0.8, low: 0.4 }
const FLOOD_MS: [number, number] = [30_000, 120_000]
const END_MS = 180_000
const SIZE = { contextTokens: 250, generatedTokens: 60 }
const STEP_MS = 2000

/** More critical requests than can start, for a minute and a half: how long the others wait, and what comes after. */
export async function replayFlood({ report }: SectionOptions): Promise<SectionResult> {
  report("a flood of critical requests, 1 lane")
  const others = Object.entries(OTHERS_PER_SECOND).flatMap(([priority, perSecond]) =>
    planEvenly(perSecond, [0, END_MS], { ...SIZE, priority: priority as keyof typeof OTHERS_PER_SECOND }),
  )
  const flood = planEvenly(CRITICAL_PER_SECOND, FLOOD_MS, { ...SIZE, priority: "critical" })
  const plans: Plan[] = [...others, ...flood].toSorted((a, b) => a.arrivalMs - b.arrivalMs)
  const played = await play({ requests: drawRequests(plans), lanes: LANES })
  const { requests } = played
  const endMs = lastEndOf(requests)
  const title = `A flood of critical requests at ${CRITICAL_PER_SECOND}/s for ${(FLOOD_MS[1] - FLOOD_MS[0]) / 1000} s, one lane`
  const rows = PRIORITIES.map((priority) => {
    const waits = waitsOf(requests, priority)
    const cells = waitCells(waits, [0.5, 0.95, 1], 1)
    return [
      priority,
      `${waits.length} of ${requests.filter((each) => each.priority === priority).length}`,
      ...cells,
    ]
  })
  const columns = ["priority", "started", "p50", "p95", "longest"]
  return {
    tables: [{ title: `${title}: from arrival to the provider, s`, columns, rows }],
    plots: [
      {
        file: "replay-flood",
        title: `${title}: how long the oldest has waited`,
        x: { name: "minutes" },
        y: { name: "oldest wait, s" },
        series: PRIORITIES.map((priority) => ({
          name: priority,
          points: oldestWaitCurve(
            requests.filter((each) => each.priority === priority),
            STEP_MS,
            endMs,
          ),
        })),
      },
    ],
    goals: [],
    notes: noteMachine(title, [played]),
  }
}
