import { usePages } from "../../data/use-pages.ts"
import { formatDuration, NONE } from "../../format.ts"
import { Card } from "../../parts/card.tsx"
import { TextField } from "../../parts/field.tsx"
import { Form } from "../../parts/form.tsx"
import { Pager } from "../../parts/pager.tsx"
import { StateBadge } from "../../parts/state-badge.tsx"
import { Read } from "../../parts/states.tsx"
import { Table } from "../../parts/table.tsx"
import { Time } from "../../parts/time.tsx"
import { go, linkTo } from "../../router.ts"
import { useSession } from "../../session.ts"
import { Filters, readFilter } from "./filters.tsx"

const ROWS = 25

export function RequestList({ query }: { query: URLSearchParams }) {
  const { client, self } = useSession()
  const filter = readFilter(query, self)
  const pages = usePages(
    (cursor) => client.listPage({ ...filter, limit: ROWS, ...(cursor !== undefined && { cursor }) }),
    [filter],
  )
  const hasMore = pages.page.value?.nextCursor != null
  return (
    <>
      <Card title="Find one" isWide>
        <Form
          label="Find one by its id"
          submit="Show it"
          isLine
          act={async (fields) => go(linkTo(["requests", String(fields.get("requestId")).trim()]))}
        >
          {() => <TextField label="Id" name="requestId" placeholder="req_…" required />}
        </Form>
      </Card>
      <Card title="Newest first" isWide aside={<Pager of={pages} label="Paging of requests" />}>
        <Filters filter={filter} />
        <Read of={pages.page} rows={12}>
          {({ data }) => (
            <Table
              label="Requests"
              rows={data}
              keyOf={({ requestId }) => requestId}
              empty={
                hasMore
                  ? "None of those that were looked at is like this: go on to older ones."
                  : "No request is like this."
              }
              columns={[
                {
                  title: "Request",
                  show: ({ requestId }) => (
                    <a class="mono" href={linkTo(["requests", requestId])}>
                      {requestId}
                    </a>
                  ),
                },
                { title: "State", show: ({ state }) => <StateBadge state={state} /> },
                { title: "Error", show: ({ error }) => error?.code ?? NONE },
                {
                  title: "Model",
                  show: ({ provider, model }) => <span class="long">{`${provider}/${model}`}</span>,
                },
                { title: "Priority", show: ({ priority }) => priority },
                {
                  title: "Organization",
                  show: ({ organizationId }) => <span class="long">{organizationId}</span>,
                },
                { title: "Attempts", isFigure: true, show: ({ attempts }) => attempts.length },
                { title: "Created", show: ({ createdAt }) => <Time at={createdAt} /> },
                {
                  title: "Took",
                  isFigure: true,
                  show: ({ createdAt, finishedAt }) =>
                    formatDuration(finishedAt === null ? null : Math.max(0, finishedAt - createdAt)),
                },
              ]}
            />
          )}
        </Read>
      </Card>
    </>
  )
}
