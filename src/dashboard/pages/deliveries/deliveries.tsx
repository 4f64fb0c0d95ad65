import type { Delivery, DeliveryFilter, Page } from "../../../client/client.ts"
import { usePages } from "../../data/use-pages.ts"
import { ActionButton } from "../../parts/action-button.tsx"
import { Badge, type Tone } from "../../parts/badge.tsx"
import { Card } from "../../parts/card.tsx"
import { Pager } from "../../parts/pager.tsx"
import { Empty, Read } from "../../parts/states.tsx"
import { Table } from "../../parts/table.tsx"
import { Time } from "../../parts/time.tsx"
import { linkTo, useRoute } from "../../router.ts"
import { useSession } from "../../session.ts"
import { Filters, readFilter } from "./filters.tsx"
import { Tries } from "./tries.tsx"

const ROWS = 25
const NOTHING: Page<Delivery> = { data: [], nextCursor: null }

const TONES: Record<Delivery["state"], Tone> = {
  pending: "info",
  delivered: "good",
  failed: "warn",
  exhausted: "bad",
  blocked: "bad",
}

export function Deliveries() {
  const { client, self } = useSession()
  const { query } = useRoute()
  const filter = readFilter(query)
  const isTooWide = self.organizationId === "*" && !filter.organizationId && !filter.requestId
  const pages = usePages(
    async (cursor) =>
      isTooWide
        ? NOTHING
        : client.deliveries.listPage({ ...filter, limit: ROWS, ...(cursor !== undefined && { cursor }) }),
    [filter],
  )
  return (
    <Card
      title="Callbacks, newest first"
      isWide
      aside={!isTooWide && <Pager of={pages} label="Paging of deliveries" />}
    >
      <Filters filter={filter} />
      {isTooWide ? (
        <Empty>Name an organization or a request: its callbacks of the last 7 days stand here then.</Empty>
      ) : (
        <Read of={pages.page} rows={8}>
          {({ data, nextCursor }) => (
            <Table
              label="Deliveries"
              rows={data}
              keyOf={({ deliveryId }) => deliveryId}
              empty={emptyText(filter, nextCursor !== null)}
              columns={[
                {
                  title: "Request",
                  show: ({ requestId }) => (
                    <a class="mono" href={linkTo(["requests", requestId])}>
                      {requestId}
                    </a>
                  ),
                },
                { title: "Tells", show: ({ type }) => type },
                { title: "State", show: ({ state }) => <Badge tone={TONES[state]}>{state}</Badge> },
                { title: "Tries", show: ({ attempts }) => <Tries attempts={attempts} /> },
                { title: "Next try", show: ({ nextAttemptAt }) => <Time at={nextAttemptAt} /> },
                { title: "Ended", show: ({ createdAt }) => <Time at={createdAt} /> },
                { title: "To", show: ({ url }) => <span class="long">{url}</span> },
                ...(self.scopes.includes("enqueue")
                  ? [
                      {
                        title: "Redeliver",
                        show: (delivery: Delivery) => (
                          <Redeliver delivery={delivery} then={() => pages.page.refresh()} />
                        ),
                      },
                    ]
                  : []),
              ]}
            />
          )}
        </Read>
      )}
    </Card>
  )
}

function Redeliver({ delivery, then }: { delivery: Delivery; then: () => Promise<void> }) {
  const { client } = useSession()
  const isTold = delivery.state === "delivered"
  return (
    <ActionButton
      label="Redeliver"
      about={delivery.deliveryId}
      {...(isTold && { confirm: "The receiver has it already: it is told again, under the same id." })}
      act={async () => {
        await client.deliveries.redeliver(delivery.deliveryId)
        await then()
      }}
    />
  )
}

function emptyText({ state }: DeliveryFilter, hasMore: boolean): string {
  if (hasMore) return "None of those that were looked at is like this: go on to older ones."
  return state === undefined
    ? "There are none: a request with a callback stands here once it has ended and its receiver was called."
    : "No delivery is like this."
}
