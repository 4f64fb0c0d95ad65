import { replayFairness } from "./replay/fairness.ts"
import { measureHeadStarts } from "./replay/head-starts.ts"
import { FACTOR } from "./replay/play.ts"
import { replayFlood } from "./replay/starvation.ts"
import { replayTraces } from "./replay/traces.ts"
import { ANSWERS, PRIORITY_SHARES } from "./replay/workload.ts"
import { joinResults, type Section, type SectionOptions, type SectionResult } from "./section.ts"

const PARTS = [replayTraces, replayFlood, measureHeadStarts, replayFairness]

const MIX = Object.entries(PRIORITY_SHARES).map(([priority, share]) => `${share * 100} % ${priority}`)
const NOTES = [
  `Simulated answers: ${ANSWERS}. Mixed into the traces: ${MIX.join(", ")}; 20 organizations, the nth largest sending 1/n as much as the largest.`,
  `Time goes ${FACTOR} times as fast in a scene, and what the machine takes does not: each ms of it counts as ${FACTOR}. So waits below half a second are this machine's, not the design's.`,
]

/** What callers wait for: traces of production and made-up floods, through lanes. */
export const replaySection: Section = {
  name: "replay",
  title: "Replay of production traces, starvation and fairness",
  minutes: { normal: 5, full: 75 },
  async run(options: SectionOptions): Promise<SectionResult> {
    const results: SectionResult[] = []
    for (const part of PARTS) results.push(await part(options))
    const { notes, ...found } = joinResults(results)
    return { ...found, notes: [...NOTES, ...notes] }
  },
}
