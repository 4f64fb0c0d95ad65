/** Reads plots as JSON from its standard input and writes an SVG of each into the folder that is its argument. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { init } from "echarts"
import type { Axis, Plot } from "../section.ts"

const WIDTH = 900
const HEIGHT = 480
/** Okabe and Ito's, told apart by who sees colours differently too. */
const COLOURS = [
  "#0072B2",
  "#D55E00",
  "#009E73",
  "#CC79A7",
  "#E69F00",
  "#56B4E9",
  "#000000",
  "#999999",
  "#8B5A2B",
]

function axis({ name, isLogarithmic, logBase = 10, categories }: Axis, nameGap: number) {
  if (categories !== undefined) return { type: "category" as const, data: categories }
  const type = isLogarithmic ? ("log" as const) : ("value" as const)
  return { type, name, nameLocation: "middle" as const, nameGap, logBase, scale: false }
}

function draw({ title, x, y, series }: Plot): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT })
  chart.setOption({
    animation: false,
    color: COLOURS,
    backgroundColor: "#ffffff",
    title: { text: title, left: "center", textStyle: { fontSize: 15 } },
    legend: {
      bottom: 10,
      itemGap: 40,
      icon: "roundRect",
      itemHeight: 4,
      data: series.map(({ name }) => name),
    },
    grid: { left: 80, right: 30, top: 50, bottom: 90 },
    xAxis: axis(x, 30),
    yAxis: axis(y, 55),
    series: series.map(({ name, points }) =>
      x.categories === undefined
        ? { type: "line", name, data: points, showSymbol: points.length < 10 }
        : { type: "bar", stack: "all", barMaxWidth: 120, name, data: points },
    ),
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

const [folder = "."] = process.argv.slice(2)
for (const plot of JSON.parse(await text(process.stdin)) as Plot[]) {
  writeFileSync(join(folder, `${plot.file}.svg`), draw(plot))
}
