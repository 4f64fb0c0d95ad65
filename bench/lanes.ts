/** Calls a minute that lanes start, each with the six connections that an invocation has on Cloudflare. */
import { startTestStore, type TestStore } from "../test/helpers/store.ts"
import { spawnSimulator } from "../test/scale/processes.ts"
import { measureLanes } from "./lanes/measure.ts"
import type { Section, SectionOptions, SectionResult } from "./section.ts"

interface Run {
  lanes: number
  isStreamed: boolean
}

const FIRST_BYTE_MS = 1000
const ANSWER_MS = 10_000
/** Of calls, one per connection: of streamed answers, and of whole ones, where a wave takes as long as an answer. */
const WAVES = { streamed: 20, whole: 4 }
const RUNS: Run[] = [
  { lanes: 1, isStreamed: true },
  { lanes: 8, isStreamed: true },
]
const MORE_RUNS: Run[] = [
  { lanes: 32, isStreamed: true },
  { lanes: 8, isStreamed: false },
]

export const lanesSection: Section = {
  name: "lanes",
  title: "Calls that lanes start",
  minutes: { normal: 1, full: 3 },
  run,
}

async function run({ isFull, report }: SectionOptions): Promise<SectionResult> {
  const store = await startTestStore("redis")
  const rows = []
  try {
    for (const each of isFull ? [...RUNS, ...MORE_RUNS] : RUNS) {
      report(`${each.lanes} lanes, answers ${answersOf(each)}`)
      rows.push(await measureRun(store, each))
    }
  } finally {
    await store.close()
  }
  const columns = ["lanes", "answers", "calls a minute", "of slots ÷ time to first byte", "most in flight"]
  return {
    tables: [
      {
        title: "1 s to the first byte, 10 s an answer",
        columns: [...columns, "calls ÷ requests"],
        rows,
      },
    ],
    ...{ plots: [], goals: [] },
    notes: [
      "Four of the six connections call providers, and one is free again when headers come. So streamed answers let a lane start as many calls a minute as its slots divided by the time to the first byte; of whole ones, each holds its connection to its end.",
    ],
  }
}

async function measureRun({ url, token }: TestStore, run: Run): Promise<(string | number)[]> {
  const simulator = await spawnSimulator()
  const { lanes, isStreamed } = run
  const answers = answersOf(run)
  const requests = lanes * 4 * WAVES[answers]
  try {
    const { startsPerMinute, share, mostInFlight, calls } = await measureLanes({
      ...{ store: { url, token }, simulatorUrl: simulator.url, queueName: `lanes-${lanes}-${answers}` },
      ...{ lanes, requests, isStreamed, firstByteMs: FIRST_BYTE_MS, answerMs: ANSWER_MS },
    })
    const figures = [Math.round(startsPerMinute), share.toFixed(2), mostInFlight]
    return [lanes, answers, ...figures, (calls / requests).toFixed(3)]
  } finally {
    await simulator.stop()
  }
}

function answersOf({ isStreamed }: Run): keyof typeof WAVES {
  return isStreamed ? "streamed" : "whole"
}
