import { useState } from "preact/hooks"
import type { IssuedKey } from "../../../client/client.ts"
import { useReading } from "../../data/use-reading.ts"
import { formatCount, NONE } from "../../format.ts"
import { ActionButton } from "../../parts/action-button.tsx"
import { Badge } from "../../parts/badge.tsx"
import { Card } from "../../parts/card.tsx"
import { Read } from "../../parts/states.tsx"
import { Table } from "../../parts/table.tsx"
import { Time } from "../../parts/time.tsx"
import { useSession } from "../../session.ts"
import { IssueForm } from "./issue-form.tsx"
import { IssuedDialog } from "./issued-dialog.tsx"

export function Keys() {
  const { client } = useSession()
  const keys = useReading(() => client.keys.list(), null, [client])
  const [issued, setIssued] = useState<IssuedKey | null>(null)
  return (
    <>
      <Card title="Issued keys" isWide>
        <Read of={keys} rows={6}>
          {(all) => (
            <Table
              label="Issued keys"
              rows={all}
              keyOf={({ keyId }) => keyId}
              empty="No key has been issued. Give each service one of its own, with no more than it needs."
              columns={[
                { title: "Name", show: ({ name }) => <span class="long">{name}</span> },
                { title: "Id", show: ({ keyId }) => <code>{keyId}</code> },
                {
                  title: "Organization",
                  show: ({ organizationId }) => (
                    <span class="long">{organizationId === "*" ? "all" : organizationId}</span>
                  ),
                },
                { title: "May", show: ({ scopes }) => scopes.join(", ") },
                { title: "Priority at most", show: ({ maxPriority }) => maxPriority ?? "any" },
                {
                  title: "Calls a minute",
                  isFigure: true,
                  show: ({ ratePerMinute }) => (ratePerMinute === null ? NONE : formatCount(ratePerMinute)),
                },
                { title: "Issued", show: ({ createdAt }) => <Time at={createdAt} /> },
                { title: "Ends", show: ({ expiresAt }) => <Expiry at={expiresAt} /> },
                {
                  title: "Revoke",
                  show: ({ keyId, name }) => (
                    <ActionButton
                      label="Revoke"
                      about={name}
                      tone="danger"
                      confirm={`Whoever uses ${keyId} is refused within 30 s. This cannot be taken back.`}
                      act={async () => {
                        await client.keys.revoke(keyId)
                        await keys.refresh()
                      }}
                    />
                  ),
                },
              ]}
            />
          )}
        </Read>
      </Card>
      <Card title="Issue a key" isWide>
        <IssueForm
          issue={async (key) => {
            setIssued(await client.keys.issue(key))
            await keys.refresh()
          }}
        />
      </Card>
      {issued !== null && <IssuedDialog issued={issued} onClose={() => setIssued(null)} />}
    </>
  )
}

function Expiry({ at }: { at: number | null }) {
  if (at === null) return <>never</>
  return at <= Date.now() ? <Badge tone="muted">ended</Badge> : <Time at={at} />
}
