import { useMemo, useState } from "preact/hooks"
import type { History, Pulse } from "../../../client/client.ts"
import { HISTORY_PRICE } from "../../data/prices.ts"
import { useReading } from "../../data/use-reading.ts"
import { formatCount, formatDuration, formatRate, formatTick } from "../../format.ts"
import { Card } from "../../parts/card.tsx"
import { Chart } from "../../parts/chart.tsx"
import type { Series } from "../../parts/series.ts"
import { Empty, Read } from "../../parts/states.tsx"
import { Switch } from "../../parts/switch.tsx"
import { go, linkTo, useRoute } from "../../router.ts"
import { useSession } from "../../session.ts"
import {
  type Columns,
  columnsOf,
  commandsOf,
  errorsOf,
  latenciesOf,
  pendingOf,
  throughputOf,
  waitsOf,
} from "./columns.ts"
import { RANGES, type Range, readRange, SPANS, withoutGrowing, withPulse } from "./span.ts"

/** How it went, over as long as is asked for: read when that changes, and added to by the pulse. */
export function OverTime({ pulse }: { pulse: Pulse }) {
  const { client } = useSession()
  const range = readRange(useRoute().query.get("range"))
  const { lengthMs, stepMs, everyMs } = SPANS[range]
  const history = useReading<History>(
    () => client.history({ from: Date.now() - lengthMs, stepSeconds: stepMs / 1_000 }),
    everyMs,
    [client, range],
    { price: HISTORY_PRICE, name: `history ${range}` },
  )
  return (
    <section class="over-time" aria-labelledby="over-time">
      <header>
        <h2 id="over-time">Over time</h2>
        <Switch
          label="How long"
          values={RANGES}
          value={range}
          onChange={(next: Range) => go(linkTo(["overview"], { range: next.replace(" ", "") }))}
        />
      </header>
      <Read of={history} rows={10}>
        {(value) => <Charts history={value} readAt={history.readAt ?? 0} pulse={pulse} />}
      </Read>
    </section>
  )
}

function Charts({ history, readAt, pulse }: { history: History; readAt: number; pulse: Pulse }) {
  // What the pulse adds stays, until the history is read anew.
  const columns = useGrowing(history, readAt, pulse)
  const [by, setBy] = useState<"line" | "priority">("line")
  const [percentile, setPercentile] = useState<"p50" | "p95" | "p99">("p95")
  return (
    <div class="grid charts">
      <Card
        title="Pending"
        aside={<Switch label="By" values={["line", "priority"]} value={by} onChange={setBy} />}
      >
        <Drawn
          label="Pending requests"
          series={pendingOf(columns, by)}
          columns={columns}
          format={formatCount}
        />
      </Card>
      <Card title="Requests a minute">
        <Drawn
          label="Requests a minute"
          series={throughputOf(columns)}
          columns={columns}
          format={formatRate}
        />
      </Card>
      <Card title="Wait until the first call">
        <Drawn
          label="Wait"
          series={waitsOf(columns)}
          columns={columns}
          format={formatDuration}
          tick={formatTick}
        />
      </Card>
      <Card
        title="Latency of providers"
        aside={
          <Switch
            label="Percentile"
            values={["p50", "p95", "p99"]}
            value={percentile}
            onChange={setPercentile}
          />
        }
      >
        <Drawn
          label={`Latency of providers, ${percentile}`}
          series={latenciesOf(columns, percentile)}
          columns={columns}
          format={formatDuration}
          tick={formatTick}
        />
      </Card>
      <Card title="Failed attempts a minute">
        <Drawn
          label="Failed attempts a minute"
          series={errorsOf(columns)}
          columns={columns}
          format={formatRate}
        />
      </Card>
      <Card title="Store commands a minute">
        <Drawn
          label="Store commands a minute"
          series={commandsOf(columns)}
          columns={columns}
          format={formatRate}
        />
      </Card>
    </div>
  )
}

interface DrawnProps {
  label: string
  series: Series[]
  columns: Columns
  format: (value: number) => string
  tick?: (value: number) => string
}

function Drawn({ columns, ...chart }: DrawnProps) {
  const isEmpty = chart.series.every(({ values }) => values.every((value) => !value))
  if (isEmpty) return <Empty>Nothing in this time.</Empty>
  return <Chart {...chart} times={columns.times} />
}

function useGrowing(read: History, readAt: number, pulse: Pulse): Columns {
  const history = useMemo(() => withoutGrowing(read, readAt), [read])
  const [grown, setGrown] = useState({ of: history, history })
  const base = grown.of === history ? grown.history : history
  const next = withPulse(base, pulse)
  if (next !== grown.history) setGrown({ of: history, history: next })
  return useMemo(() => columnsOf(next, pulse.at), [next, Math.floor(pulse.at / 60_000)])
}
