import type UPlot from "uplot"

/** By the place of a line, beside its colour: `--chart-1` and so on. */
export const DASHES: number[][] = [[], [7, 3], [2, 2], [10, 3, 2, 3], [4, 4], [12, 4]]

interface Facts {
  width: number
  names: string[]
  tick: (value: number) => string
  /** Which instant the pointer is at; null: none. */
  setPointedAt: (index: number | null) => void
}

const HEIGHT = 190
const AXIS_WIDTH = 64

/** Colours are those of the page as it is now. */
export function chartOptions({ width, names, tick, setPointedAt }: Facts): UPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const font = `${Math.round(Number.parseFloat(style.fontSize) * 0.8)}px ${style.fontFamily}`
  const axis = {
    ...{ stroke: colourOf("muted"), font },
    grid: { stroke: colourOf("line"), width: 1 },
    ticks: { stroke: colourOf("line"), width: 1, size: 4 },
  }
  return {
    ...{ width, height: HEIGHT },
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] } },
    axes: [
      { ...axis, size: 30, space: 70, values: timesOf },
      { ...axis, size: AXIS_WIDTH, space: 34, values: (_, splits) => splits.map((value) => tick(value)) },
    ],
    series: [
      {},
      ...names.map((label, i) => ({
        ...{ label, width: 2, spanGaps: false, points: { show: false } },
        stroke: colourOf(`chart-${(i % DASHES.length) + 1}`),
        dash: DASHES[i % DASHES.length] ?? [],
      })),
    ],
    hooks: { setCursor: [({ cursor }) => setPointedAt(cursor.idx ?? null)] },
  }
}

/** As it is drawn: a canvas knows neither variables nor themes. */
function colourOf(name: string): string {
  const probe = document.body.appendChild(document.createElement("i"))
  probe.style.color = `var(--${name})`
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" })
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" })

/** A day's beginning is told by its date. */
function timesOf(_: UPlot, splits: number[]): string[] {
  return splits.map((seconds) => {
    const at = new Date(seconds * 1000)
    return at.getHours() + at.getMinutes() === 0 ? day.format(at) : clock.format(at)
  })
}
