/** What the Worker weighs, and what its start costs. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { mean, median } from "./median.ts"
import type { Section, SectionOptions, SectionResult, Table } from "./section.ts"
import { partsTable, sizesOf } from "./size/parts.ts"
import { profileStartup, type Start, timeFirstAnswer } from "./size/startup.ts"
import { type Bundle, bundleProduct, bundleWorker } from "./stack/bundle.ts"

const STARTS = { normal: 15, full: 40 }
const PROFILES = { normal: 3, full: 9 }

const NOTES = [
  "Gzipped at level 9. Textbook: the Worker of the enqueue section, Hono and `@upstash/redis`, which does a small part of this. To the first answer: from starting workerd until a path that does not exist has been answered, so its module has been compiled and run, its settings read and no store asked; the empty Worker's is what workerd itself takes.",
  "Profiled start: what was not idle in the profile of `wrangler check startup`, whose profiler looks once in some milliseconds. Cloudflare refuses Workers that take more than a second.",
]

export const sizeSection: Section = {
  name: "size",
  title: "Size and cold start",
  minutes: { normal: 0.5, full: 1.5 },
  run,
}

async function run({ isFull, report }: SectionOptions): Promise<SectionResult> {
  const effort = isFull ? "full" : "normal"
  const folder = mkdtempSync(join(tmpdir(), "aiq-size-"))
  try {
    const bundles = bundleAll(folder)
    report(`${STARTS[effort]} starts of each`)
    const starts = await timeStarts(bundles, STARTS[effort])
    report(`${PROFILES[effort]} profiles`)
    const profiledMs = median(Array.from({ length: PROFILES[effort] }, () => profileStartup(folder)))
    const [[, product]] = bundles
    return {
      tables: [sizeTable(bundles, starts, profiledMs), partsTable(product)],
      ...{ plots: [], goals: [], notes: NOTES },
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

type Bundles = [queue: [string, Bundle], ...others: [string, Bundle][]]

function bundleAll(folder: string): Bundles {
  const within = (name: string) => {
    mkdirSync(join(folder, name))
    return join(folder, name)
  }
  return [
    ["queue", bundleProduct(within("queue"))],
    ["textbook", bundleWorker("textbook", within("textbook"))],
    ["empty Worker", bundleWorker("empty", within("empty"))],
  ]
}

/** In turns; by bundle, by round. */
async function timeStarts(bundles: Bundles, rounds: number): Promise<Start[][]> {
  const starts: Start[][] = bundles.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [i, [, { file }]] of bundles.entries()) starts[i]?.push(await timeFirstAnswer(file))
  }
  return starts
}

function sizeTable(bundles: Bundles, starts: Start[][], profiledMs: number): Table {
  const empty = starts.at(-1) ?? []
  const rows = bundles.map(([name, bundle], i) => {
    const own = starts[i] ?? []
    const more = median(own.map(({ ms }, round) => ms - (empty[round]?.ms ?? 0)))
    // Of values in steps of 10 ms the mean tells more than the median.
    const moreCpu = mean(own.map(({ cpuMs }) => cpuMs)) - mean(empty.map(({ cpuMs }) => cpuMs))
    const { minified, gzipped } = sizesOf(bundle)
    const times = [median(own.map(({ ms }) => ms)), more, moreCpu].map((ms) => ms.toFixed(1))
    return [name, minified, gzipped, ...times, i === 0 ? profiledMs.toFixed(1) : "–"]
  })
  return {
    title: "Bundle and start",
    columns: [
      ...["Worker", "minified, bytes", "gzipped, bytes", "first answer, ms"],
      ...["more than the empty one, ms", "CPU, more than the empty one, ms", "profiled start, ms"],
    ],
    rows,
  }
}
