import { median } from "../../../bench/median.ts"

export type Point = [minute: number, value: number]

/** The Theil–Sen slope, % of the median value in ten minutes: the median over all pairs, which outliers and steps do not bend. */
export function slopePercent(points: Point[]): number {
  const slopes = points.flatMap(([from, before], i) =>
    points.slice(i + 1).map(([to, after]) => (after - before) / (to - from)),
  )
  return (median(slopes) * 10 * 100) / median(points.map(([, value]) => value))
}
