import type { Percentiles, Pulse } from "../../../client/client.ts"
import { formatDuration } from "../../format.ts"
import { Card } from "../../parts/card.tsx"
import { Table } from "../../parts/table.tsx"

/** How long requests waited, and calls took, over 15 minutes. */
export function Times({ pulse }: { pulse: Pulse }) {
  const rows: [string, Percentiles][] = [
    ["Wait for a call", pulse.waitMs],
    ...Object.entries(pulse.providerMs).map(([name, times]): [string, Percentiles] => [
      `Call of ${name}`,
      times,
    ]),
  ]
  const column = (which: keyof Percentiles) => ({
    ...{ title: which, isFigure: true },
    show: ([, times]: [string, Percentiles]) => formatDuration(times[which]),
  })
  return (
    <Card title="Times of the last 15 minutes">
      <Table
        label="Waits and latencies"
        rows={rows}
        keyOf={([name]) => name}
        empty="Nothing has run."
        columns={[{ title: "Time", show: ([name]) => name }, column("p50"), column("p95"), column("p99")]}
      />
    </Card>
  )
}
