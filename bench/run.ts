/** `npm run bench`: see README.md in this folder. */
import { readFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { costsSection } from "./costs.ts"
import { drawPlots } from "./draw-plots.ts"
import { enqueueSection } from "./enqueue.ts"
import { lanesSection } from "./lanes.ts"
import { describeMachine } from "./machine.ts"
import { printResult } from "./print-result.ts"
import { replaySection } from "./replay.ts"
import { RESULTS, writeResult } from "./results.ts"
import { scaleSection } from "./scale.ts"
import type { Section, SectionResult } from "./section.ts"
import { sizeSection } from "./size.ts"
import { startSection } from "./start.ts"
import { throughputSection } from "./throughput.ts"

const SECTIONS: Section[] = [
  enqueueSection,
  startSection,
  throughputSection,
  lanesSection,
  costsSection,
  scaleSection,
  replaySection,
  sizeSection,
]
const LATEST = "latest.json"

interface Latest {
  [section: string]: SectionResult & { at: string; machine: string; isFull: boolean }
}

const { values } = parseArgs({
  options: { only: { type: "string", multiple: true }, full: { type: "boolean", default: false } },
})
const asked = (values.only ?? []).flatMap((names) => names.split(","))
const unknown = asked.filter((name) => SECTIONS.every((section) => section.name !== name))
if (unknown.length > 0) {
  console.error(
    `--only ${unknown.join(",")}: no such section; there are ${SECTIONS.map(({ name }) => name).join(", ")}`,
  )
  process.exit(2)
}
const sections = SECTIONS.filter(({ name }) => asked.length === 0 || asked.includes(name))
const minutes = sections.reduce((sum, section) => sum + section.minutes[values.full ? "full" : "normal"], 0)
const machine = describeMachine()
console.log(
  `${machine}\n${sections.map(({ name }) => name).join(", ")}: about ${Math.ceil(minutes)} minutes\n`,
)

for (const section of sections) {
  console.log(`## ${section.title}\n`)
  const options = { isFull: values.full, report: (line: string) => console.log(`… ${line}`) }
  const result = await section.run(options)
  printResult(result)
  const at = new Date().toISOString()
  const latest: Latest = { ...readLatest(), [section.name]: { at, machine, isFull: values.full, ...result } }
  writeResult(LATEST, latest)
  drawPlots(result.plots)
}

/** Of earlier runs: a section that is not run again keeps its figures, with their time. */
function readLatest(): Latest {
  try {
    return JSON.parse(readFileSync(new URL(LATEST, RESULTS), "utf8")) as Latest
  } catch {
    return {}
  }
}
