import { useState } from "preact/hooks"
import type { StatusReply } from "../../../client/client.ts"
import { STATUS_PRICE } from "../../data/prices.ts"
import { useReading } from "../../data/use-reading.ts"
import { formatCount, NONE } from "../../format.ts"
import { Card } from "../../parts/card.tsx"
import { Fact, Facts } from "../../parts/facts.tsx"
import { StateBadge } from "../../parts/state-badge.tsx"
import { Empty, Read } from "../../parts/states.tsx"
import { Time } from "../../parts/time.tsx"
import { linkTo } from "../../router.ts"
import { useSession } from "../../session.ts"
import { Content } from "./content.tsx"
import { RequestLevers } from "./request-levers.tsx"
import { Timeline } from "./timeline.tsx"

const EVERY_MS = 15_000

export function RequestDetails({ requestId }: { requestId: string }) {
  const { client } = useSession()
  const [isFinished, setFinished] = useState(false)
  const reading = useReading(
    async () => {
      const request = await client.status(requestId)
      setFinished(request === null || request.finishedAt !== null)
      return { request }
    },
    isFinished ? null : EVERY_MS,
    [requestId],
    { price: STATUS_PRICE },
  )
  return (
    <>
      <p>
        <a href={linkTo(["requests"])}>All requests</a>
      </p>
      <Read of={reading} rows={12}>
        {({ request }) =>
          request === null ? (
            <Empty>
              <code>{requestId}</code> is not known: it is another organization's, or past its time to live.
            </Empty>
          ) : (
            <Details request={request} changed={reading.refresh} />
          )
        }
      </Read>
    </>
  )
}

function Details({ request, changed }: { request: StatusReply; changed: () => Promise<void> }) {
  const { usage, metadata } = request
  return (
    <div class="grid">
      <Card
        title={request.requestId}
        isWide
        aside={
          <div class="buttons">
            <StateBadge state={request.state} />
            <button type="button" onClick={() => void changed()}>
              Read again
            </button>
          </div>
        }
      >
        {request.error !== null && (
          <p class="problem">
            {request.error.code}: {request.error.message}
          </p>
        )}
        <RequestLevers request={request} changed={changed} />
        <Facts>
          <Fact name="Asked for">
            {request.provider}/{request.model}
          </Fact>
          <Fact name="Priority">{request.priority}</Fact>
          <Fact name="Organization">{request.organizationId}</Fact>
          <Fact name="Place in its line">{formatCount(request.position)}</Fact>
          <Fact name="May start">
            <Time at={request.estimatedStartAt?.p50} />
          </Fact>
          <Fact name="Deadline">
            <Time at={request.deadlineAt} />
          </Fact>
          <Fact name="Replays">{formatCount(request.replays)}</Fact>
          <Fact name="Batch">{request.batchId ?? NONE}</Fact>
          <Fact name="Callback">
            {request.callback === null ? (
              NONE
            ) : (
              <a href={linkTo(["deliveries"], { requestId: request.requestId })}>What became of it</a>
            )}
          </Fact>
          <Fact name="Served by">{request.simulated ? "the simulator" : "its provider"}</Fact>
        </Facts>
      </Card>
      <Card title="What happened">
        <Timeline request={request} />
      </Card>
      <Card title="Tokens">
        {usage === null ? (
          <Empty>{request.finishedAt === null ? "Known once it is answered." : "None are known."}</Empty>
        ) : (
          <Facts>
            <Fact name="Input">{formatCount(usage.inputTokens)}</Fact>
            <Fact name="of it cached">{formatCount(usage.cachedInputTokens)}</Fact>
            <Fact name="Output">{formatCount(usage.outputTokens)}</Fact>
            <Fact name="of it reasoning">{formatCount(usage.reasoningTokens)}</Fact>
          </Facts>
        )}
      </Card>
      {Object.keys(metadata).length > 0 && (
        <Card title="Metadata">
          <Facts>
            {Object.entries(metadata).map(([name, value]) => (
              <Fact key={name} name={name}>
                {value}
              </Fact>
            ))}
          </Facts>
        </Card>
      )}
      <Content request={request} />
    </div>
  )
}
