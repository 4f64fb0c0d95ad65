import { usePages } from "../../data/use-pages.ts"
import { NONE } from "../../format.ts"
import { Card } from "../../parts/card.tsx"
import { Pager } from "../../parts/pager.tsx"
import { Read } from "../../parts/states.tsx"
import { Table } from "../../parts/table.tsx"
import { Time } from "../../parts/time.tsx"
import { useSession } from "../../session.ts"

const ROWS = 50

export function Audit() {
  const { client } = useSession()
  const pages = usePages(
    (cursor) => client.audit.listPage({ limit: ROWS, ...(cursor !== undefined && { cursor }) }),
    [client],
  )
  return (
    <Card title="Who did what" isWide aside={<Pager of={pages} label="Paging of the audit" />}>
      <Read of={pages.page} rows={12}>
        {({ data }) => (
          <Table
            label="Audit"
            rows={data}
            keyOf={(entry) => JSON.stringify(entry)}
            empty="Nothing has been done yet: changes of keys, cancels, replays, pauses, limits and refused keys stand here."
            columns={[
              { title: "When", show: ({ at }) => <Time at={at} /> },
              { title: "What", show: ({ action }) => action },
              { title: "To", show: ({ target }) => <span class="long">{target ?? NONE}</span> },
              { title: "With the key", show: ({ keyId }) => (keyId === null ? NONE : <code>{keyId}</code>) },
              {
                title: "Of",
                show: ({ organizationId }) => (organizationId === "*" ? "all" : (organizationId ?? NONE)),
              },
              { title: "From", show: ({ ip }) => ip ?? NONE },
            ]}
          />
        )}
      </Read>
    </Card>
  )
}
