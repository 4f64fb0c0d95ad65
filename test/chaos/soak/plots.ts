import type { Plot } from "../../../bench/section.ts"
import type { Series } from "./sample.ts"

/** Every process in one picture, what Redis holds in another. */
export function plotsOf(series: Series[]): Plot[] {
  const x = { name: "minutes" }
  const y = { name: "MiB" }
  const lines = (isShown: (each: Series) => boolean) =>
    series
      .filter((each) => each.unit === "MiB" && isShown(each))
      .map(({ name, points }) => ({ name, points }))
  const isOfRedis = ({ name }: Series) => name.startsWith("Redis:")
  return [
    {
      file: "soak",
      title: "Memory of every process under mixed load",
      x,
      y,
      series: lines((each) => !isOfRedis(each)),
    },
    { file: "soak-redis", title: "What Redis holds under mixed load", x, y, series: lines(isOfRedis) },
  ]
}
