import { useState } from "preact/hooks"
import { ALERTS_PRICE } from "../../data/prices.ts"
import { useReading } from "../../data/use-reading.ts"
import { Badge } from "../../parts/badge.tsx"
import { Card } from "../../parts/card.tsx"
import { Read } from "../../parts/states.tsx"
import { Table } from "../../parts/table.tsx"
import { Time } from "../../parts/time.tsx"
import { isAdmin, useSession } from "../../session.ts"
import { Notices } from "./notices.tsx"
import { Rules } from "./rules.tsx"

const EVERY_MS = 60_000
/** While a notice is under way, which somebody may wait for. */
const SOON_MS = 10_000

/** What rings and rang, who was told, and by which rules. */
export function Alerts() {
  const { client, self } = useSession()
  const [isTelling, setTelling] = useState(false)
  const alerts = useReading(
    async () => {
      const view = await client.alerts.read()
      setTelling(view.notices.some(({ state }) => state === "pending"))
      return view
    },
    isTelling ? SOON_MS : EVERY_MS,
    [client],
    { price: ALERTS_PRICE },
  )
  const then = async (done: Promise<unknown>) => {
    await done
    await alerts.refresh()
  }
  return (
    <Read of={alerts} rows={12}>
      {(view) => (
        <>
          <Card title="Firing" isWide>
            <Table
              label="Firing"
              rows={view.firing}
              keyOf={({ alertId }) => alertId}
              empty="Nothing fires."
              columns={[
                { title: "Rule", show: ({ rule }) => rule },
                {
                  title: "Severity",
                  show: ({ severity }) => (
                    <Badge tone={severity === "critical" ? "bad" : "warn"}>{severity}</Badge>
                  ),
                },
                { title: "Of", show: ofWhat },
                { title: "Since", show: ({ since }) => <Time at={since} /> },
                {
                  title: "What is wrong",
                  show: ({ text, remedy }) => (
                    <span>
                      {text} <span class="remedy">{remedy}</span>
                    </span>
                  ),
                },
              ]}
            />
          </Card>
          <Card title="Recovered lately" isWide>
            <Table
              label="Recovered lately"
              rows={view.recovered}
              keyOf={({ alertId }) => alertId}
              empty="Nothing has fired and recovered lately."
              columns={[
                { title: "Rule", show: ({ rule }) => rule },
                { title: "Of", show: ofWhat },
                { title: "Began", show: ({ since }) => <Time at={since} /> },
                { title: "Recovered", show: ({ recoveredAt }) => <Time at={recoveredAt} /> },
                { title: "What was wrong", show: ({ text }) => text },
              ]}
            />
          </Card>
          <Notices view={view} {...(isAdmin(self) && { test: () => then(client.alerts.test()) })} />
          <Rules
            view={view}
            {...(isAdmin(self) && { change: (changes) => then(client.alerts.change(changes)) })}
          />
        </>
      )}
    </Read>
  )
}

function ofWhat({ provider }: { provider: string | null }): string {
  return provider ?? "the whole queue"
}
