import type { Pulse } from "../../../client/client.ts"
import { formatCount } from "../../format.ts"
import { Card } from "../../parts/card.tsx"
import { Table } from "../../parts/table.tsx"
import { Time } from "../../parts/time.tsx"

/** Who drains, by their last claim. A lane sleeps while there is nothing to do. */
export function Lanes({ pulse }: { pulse: Pulse }) {
  return (
    <Card
      title="Lanes"
      aside={
        <span class="muted">
          last claim <Time at={pulse.lastClaimAt} />
        </span>
      }
    >
      <Table
        label="Lanes"
        rows={pulse.lanes}
        keyOf={({ name }) => name}
        empty="No lane has claimed anything in the last day."
        columns={[
          { title: "Lane", show: ({ name }) => name },
          { title: "Last claim", show: ({ lastClaimAt }) => <Time at={lastClaimAt} /> },
          { title: "Completed", isFigure: true, show: ({ completed }) => formatCount(completed) },
          { title: "Retried", isFigure: true, show: ({ retried }) => formatCount(retried) },
          { title: "Failed", isFigure: true, show: ({ failed }) => formatCount(failed) },
          {
            title: "Errors",
            isFigure: true,
            show: ({ errors, lastError }) => (
              <span title={lastError ?? undefined}>{formatCount(errors)}</span>
            ),
          },
        ]}
      />
    </Card>
  )
}
