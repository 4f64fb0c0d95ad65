import { useEffect, useRef, useState } from "preact/hooks"
import UPlot from "uplot"
import "uplot/dist/uPlot.min.css"
import { formatInstant, NONE } from "../format.ts"
import { chartOptions, DASHES } from "./chart-options.ts"
import type { Series } from "./series.ts"
import { Table } from "./table.tsx"

export interface ChartProps {
  /** What it shows. */
  label: string
  /** Epoch ms, rising. */
  times: number[]
  series: Series[]
  format: (value: number) => string
  /** Shorter, for the axis; default: `format`. */
  tick?: (value: number) => string
}

/** Lines over time; with the figures of the latest instant, or that pointed at, and all of them as a table. */
export function Chart({ label, times, series, format, tick = format }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<UPlot | null>(null)
  const [pointedAt, setPointedAt] = useState<number | null>(null)
  const theme = useThemeCount()
  const names = series.map((each) => each.label).join("\n")
  const data = [times.map((at) => at / 1000), ...series.map(({ values }) => values)] as UPlot.AlignedData

  useEffect(() => {
    const at = place.current
    if (at === null) return
    const made = new UPlot(
      chartOptions({ width: at.clientWidth, names: names.split("\n"), tick, setPointedAt }),
      data,
      at,
    )
    chart.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: at.clientWidth, height: made.height }))
    observer.observe(at)
    return () => {
      observer.disconnect()
      made.destroy()
      chart.current = null
    }
  }, [names, theme, tick])
  useEffect(() => chart.current?.setData(data), [times, series])

  const index = pointedAt ?? times.length - 1
  const told = (values: (number | null)[]) => {
    const value = values[index]
    return value === null || value === undefined ? NONE : format(value)
  }
  const summary = series.map(({ label: name, values }) => `${name} ${told(values)}`).join(", ")
  return (
    <figure class="chart">
      <ul class="legend" aria-hidden="true">
        {series.map(({ label: name, values }, i) => (
          <li key={name}>
            <Stroke index={i} /> {name} <b>{told(values)}</b>
          </li>
        ))}
      </ul>
      <div ref={place} class="canvas" role="img" aria-label={`${label}, latest: ${summary}`} />
      <AsTable {...{ label, times, series, format }} />
    </figure>
  )
}

/** The look of a line, by its dashes too. */
function Stroke({ index }: { index: number }) {
  return (
    <svg width="22" height="8" viewBox="0 0 22 8" aria-hidden="true">
      <line
        x1="0"
        y1="4"
        x2="22"
        y2="4"
        class={`stroke-${(index % DASHES.length) + 1}`}
        stroke-width="2.5"
        stroke-dasharray={DASHES[index % DASHES.length]?.join(" ")}
      />
    </svg>
  )
}

function AsTable({ label, times, series, format }: ChartProps) {
  const [isOpen, setOpen] = useState(false)
  const rows = isOpen ? times.map((at, i) => ({ at, i })).reverse() : []
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>As a table</summary>
      {isOpen && (
        <Table
          label={label}
          rows={rows}
          keyOf={({ at }) => String(at)}
          empty="Nothing yet."
          columns={[
            { title: "Time", show: ({ at }) => formatInstant(at) },
            ...series.map(({ label: title, values }) => ({
              ...{ title, isFigure: true },
              show: ({ i }: { i: number }) => {
                const value = values[i]
                return value === null || value === undefined ? NONE : format(value)
              },
            })),
          ]}
        />
      )}
    </details>
  )
}

/** Counts changes of the colours, which a canvas does not see by itself. */
function useThemeCount(): number {
  const [count, setCount] = useState(0)
  useEffect(() => {
    const change = () => setCount((last) => last + 1)
    const dark = matchMedia("(prefers-color-scheme: dark)")
    dark.addEventListener("change", change)
    addEventListener("themechange", change)
    return () => {
      dark.removeEventListener("change", change)
      removeEventListener("themechange", change)
    }
  }, [])
  return count
}
