import type { Pulse, QueueStats } from "../../../client/client.ts"
import { formatCount, formatDuration, NONE } from "../../format.ts"
import { Badge } from "../../parts/badge.tsx"
import { Card } from "../../parts/card.tsx"
import { Table } from "../../parts/table.tsx"
import { Time } from "../../parts/time.tsx"

type Provider = Pulse["providers"][string] & { name: string }

export function Providers({ pulse, stats }: { pulse: Pulse; stats: QueueStats | null }) {
  const rows = Object.entries(pulse.providers).map(([name, provider]) => ({ name, ...provider }))
  return (
    <Card title="Providers" span="most">
      <Table
        label="Providers"
        rows={rows}
        keyOf={({ name }) => name}
        empty="No provider is configured: every request will be refused."
        columns={[
          { title: "Provider", show: ({ name }) => name },
          { title: "State", show: stateOf },
          { title: "Blocked until", show: ({ blockedUntil }) => <Time at={blockedUntil} /> },
          {
            title: "In flight",
            isFigure: true,
            show: ({ name }) => formatCount(stats?.providers[name]?.inFlight),
          },
          { title: "At once", isFigure: true, show: ({ concurrency }) => limit(concurrency) },
          { title: "Calls a minute", isFigure: true, show: ({ rpm }) => limit(rpm) },
          { title: "Tokens a minute", isFigure: true, show: ({ tpm }) => limit(tpm) },
          {
            title: "Latency p95",
            isFigure: true,
            show: ({ name }) => formatDuration(pulse.providerMs[name]?.p95),
          },
        ]}
      />
    </Card>
  )
}

const limit = (value: number | null) => (value === null ? NONE : formatCount(value))

function stateOf({ paused, breaker, cause, blockedUntil }: Provider) {
  if (paused) return <Badge tone="info">paused</Badge>
  if (breaker === "open")
    return <Badge tone="bad">breaker open{cause === "account" ? ": its account" : ""}</Badge>
  if (breaker === "half_open") return <Badge tone="warn">trying again</Badge>
  if (blockedUntil !== null) return <Badge tone="warn">blocked</Badge>
  return <Badge tone="good">working</Badge>
}
