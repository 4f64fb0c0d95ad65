import { median } from "../median.ts"
import type { Goal, Plot, SectionResult, Table } from "../section.ts"
import { OPERATIONS, type Operation, type SceneTimes, type Times } from "./operations.ts"
import type { Scene } from "./scene.ts"

const MOST_GROWTH = 1.2
const BOUNDED: Operation[] = ["enqueue", "claim", "status"]
const MEASURES = [
  { of: "tripMs", title: "Round trip", unit: "ms", digits: 2, file: "scale-round-trip" },
  { of: "scriptUs", title: "The script inside Redis", unit: "µs", digits: 0, file: "scale-in-redis" },
] as const satisfies { of: keyof Times; [text: string]: string | number }[]
type MeasureOf = (typeof MEASURES)[number]

/** Medians of every operation in one scene. */
interface Row {
  scene: Scene
  medians: Record<Operation, number>
}

/** Scenes of one line from small to large come first, then others, which are compared with one line of their size. */
export function describeGrowth(times: Map<Scene, SceneTimes>): SectionResult {
  const parts = MEASURES.map((measure) => {
    const rows = [...times].map(([scene, of]): Row => {
      const medians = OPERATIONS.map((operation) => [operation, median(of[operation][measure.of])])
      return { scene, medians: Object.fromEntries(medians) as Row["medians"] }
    })
    const growth = rows.filter(({ scene }) => scene.shape === "one line")
    return { table: table(measure, rows), plot: plot(measure, growth), goals: goals(measure, growth) }
  })
  return {
    tables: parts.map(({ table }) => table),
    plots: parts.map(({ plot }) => plot),
    goals: parts.flatMap(({ goals }) => goals),
    notes: [
      "In brackets: against 1,000 pending in one line; of the other shapes, against one line as long. Each round runs every operation once in every store, so the backlog stays as it is; a claim takes one request and reads its texts, a status is of any pending request. Fair shares are on.",
    ],
  }
}

function table({ title, unit, digits }: MeasureOf, rows: Row[]): Table {
  return {
    title: `${title}, median, ${unit}`,
    columns: ["", "pending", ...OPERATIONS],
    rows: rows.map((row) => {
      const beside = rows.find(({ scene }) =>
        row.scene.shape === "one line" ? true : scene.pending === row.scene.pending,
      )
      const cells = OPERATIONS.map((operation) => {
        const value = row.medians[operation]
        const ratio = value / (beside?.medians[operation] ?? Number.NaN)
        return `${value.toFixed(digits)} (${ratio.toFixed(2)})`
      })
      return [row.scene.shape, row.scene.pending.toLocaleString("en"), ...cells]
    }),
  }
}

function plot({ title, unit, file }: MeasureOf, growth: Row[]): Plot {
  return {
    file,
    title: `${title} against the number of pending requests`,
    x: { name: "pending requests", isLogarithmic: true },
    y: { name: `median, ${unit}` },
    series: OPERATIONS.map((operation) => ({
      name: operation,
      points: growth.map(({ scene, medians }): [number, number] => [scene.pending, medians[operation]]),
    })),
  }
}

function goals({ title }: MeasureOf, growth: Row[]): Goal[] {
  const [smallest, largest] = [growth[0], growth.at(-1)]
  if (smallest === undefined || largest === undefined) return []
  const sizes = [largest, smallest].map(({ scene }) => scene.pending.toLocaleString("en"))
  return BOUNDED.map((operation) => ({
    what: `${title}, ${operation}: ${sizes.join(" ÷ ")} pending`,
    measured: largest.medians[operation] / smallest.medians[operation],
    relation: "<=",
    limit: MOST_GROWTH,
  }))
}
