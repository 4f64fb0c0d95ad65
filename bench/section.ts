/** What `npm run bench` runs: one of these per claim. */
export interface Section {
  /** For `--only`, and the name in `results/latest.json`. */
  name: string
  title: string
  /** How long it takes, roughly, minutes: default and with `--full`. */
  minutes: { normal: number; full: number }
  run(options: SectionOptions): Promise<SectionResult>
}

export interface SectionOptions {
  /** Longer, for figures that are to be published; else the same with fewer rounds. */
  isFull: boolean
  /** Says what is going on, one line. */
  report(line: string): void
}

export interface SectionResult {
  tables: Table[]
  plots: Plot[]
  /** What the goals are about, and what they are: shown after the tables. */
  goals: Goal[]
  /** Why a figure looks bad, and what a reader must know to read the tables. */
  notes: string[]
}

/** One after another: what a section of several parts has found. */
export function joinResults(results: SectionResult[]): SectionResult {
  return {
    tables: results.flatMap(({ tables }) => tables),
    plots: results.flatMap(({ plots }) => plots),
    goals: results.flatMap(({ goals }) => goals),
    notes: results.flatMap(({ notes }) => notes),
  }
}

export interface Table {
  title: string
  columns: string[]
  rows: (string | number)[][]
}

export interface Plot {
  /** In `results/`, without its ending. */
  file: string
  title: string
  x: Axis
  y: Axis
  series: { name: string; points: [x: number, y: number][] }[]
}

export interface Axis {
  /** With its unit. */
  name: string
  isLogarithmic?: boolean
  /** Of a logarithmic axis: each tick is so many times the one before; 10 unless given. */
  logBase?: number
  /** Of x: names of 0, 1, 2 …; the series are then drawn as bars upon each other. */
  categories?: string[]
}

export interface Goal {
  what: string
  measured: number
  /** Met when measured is at most (`<=`), or at least (`>=`), this. */
  relation: "<=" | ">="
  limit: number
}
