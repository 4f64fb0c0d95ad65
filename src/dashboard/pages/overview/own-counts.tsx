import type { TenantStats } from "../../../client/client.ts"
import { useReading } from "../../data/use-reading.ts"
import { formatCount } from "../../format.ts"
import { ActionButton } from "../../parts/action-button.tsx"
import { Card } from "../../parts/card.tsx"
import { Figure } from "../../parts/figure.tsx"
import { Read } from "../../parts/states.tsx"
import { Time } from "../../parts/time.tsx"
import { useSession } from "../../session.ts"

/** Counting reads every request, up to a thousand: so only when it is asked for. */
export function OwnCounts() {
  const { client, self } = useSession()
  const stats = useReading(() => client.stats() as Promise<TenantStats>, null, [client])
  return (
    <Card
      title={`Requests of ${self.organizationId}`}
      aside={<ActionButton label="Count again" act={stats.refresh} />}
    >
      <Read of={stats}>
        {({ counts, partial }) => (
          <>
            <dl class="figures">
              {Object.entries(counts).map(([state, count]) => (
                <Figure key={state} label={state}>
                  {formatCount(count)}
                </Figure>
              ))}
            </dl>
            <p class="muted">
              {partial ? "Of the newest 1,000; there are older ones." : "All that are kept."} Counted{" "}
              <Time at={stats.readAt} />.
            </p>
          </>
        )}
      </Read>
    </Card>
  )
}
