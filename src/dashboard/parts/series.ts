/** One line of a chart; null: a gap. */
export interface Series {
  label: string
  values: (number | null)[]
}
