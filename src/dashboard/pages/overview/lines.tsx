import type { Pulse } from "../../../client/client.ts"
import { formatCount } from "../../format.ts"
import { Badge } from "../../parts/badge.tsx"
import { Card } from "../../parts/card.tsx"
import { Table } from "../../parts/table.tsx"
import { PRIORITIES } from "../../priorities.ts"

/** What waits now, by line and priority. */
export function Lines({ pulse }: { pulse: Pulse }) {
  const rows = Object.entries(pulse.pendingByLine).map(([line, levels]) => ({
    ...{ line, levels, isStalled: pulse.stalledLines.includes(line) },
    total: PRIORITIES.reduce((sum, priority) => sum + levels[priority], 0),
  }))
  return (
    <Card title="Lines" span="half">
      <Table
        label="Pending requests by line and priority"
        rows={rows}
        keyOf={({ line }) => line}
        empty="Nothing has been enqueued yet: a line begins with its first request."
        columns={[
          {
            title: "Line",
            show: ({ line, isStalled }) => (
              <>
                {line} {isStalled && <Badge tone="warn">nothing starts</Badge>}
              </>
            ),
          },
          ...PRIORITIES.map((priority) => ({
            ...{ title: priority, isFigure: true },
            show: ({ levels }: (typeof rows)[number]) => formatCount(levels[priority]),
          })),
          { title: "pending", isFigure: true, show: ({ total }) => <b>{formatCount(total)}</b> },
        ]}
      />
    </Card>
  )
}
