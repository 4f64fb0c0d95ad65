import type { Pulse } from "../../../client/client.ts"
import { formatCount, formatShare } from "../../format.ts"
import { Card } from "../../parts/card.tsx"
import { Table } from "../../parts/table.tsx"

/** What attempts came to, by provider, over 15 minutes; the most frequent first. */
export function Attempts({ pulse }: { pulse: Pulse }) {
  const rows = Object.entries(pulse.attempts).flatMap(([provider, counts]) => {
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
    return Object.entries(counts)
      .filter(([, count]) => count > 0)
      .sort(([, a], [, b]) => b - a)
      .map(([code, count]) => ({ provider, code, count, share: count / total }))
  })
  return (
    <Card title="Attempts of the last 15 minutes" span="rest">
      <Table
        label="Attempts by provider and what they came to"
        rows={rows}
        keyOf={({ provider, code }) => `${provider} ${code}`}
        empty="No provider has been called in the last 15 minutes."
        columns={[
          { title: "Provider", show: ({ provider }) => provider },
          {
            title: "Came to",
            show: ({ code }) => (code === "completed" ? code : <code class="bad">{code}</code>),
          },
          { title: "Attempts", isFigure: true, show: ({ count }) => formatCount(count) },
          { title: "Share", isFigure: true, show: ({ share }) => formatShare(share) },
        ]}
      />
    </Card>
  )
}
