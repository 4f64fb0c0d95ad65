import type { CommandUse } from "../../../client/client.ts"
import { useNow } from "../../data/use-now.ts"
import { formatCount, formatDollars, formatShare, NONE } from "../../format.ts"
import { Card } from "../../parts/card.tsx"
import { Figure } from "../../parts/figure.tsx"
import { useSession } from "../../session.ts"

/** What Upstash asks for 100,000 of them, US dollars. */
const PRICE = 0.2
const PER_PRICE = 100_000
const DAYS = 30
const MINUTES_PER_DAY = 1_440

const costOf = (commandsADay: number) => formatDollars((commandsADay * DAYS * PRICE) / PER_PRICE)

/** What the queue spends of the store, and this page beside it. */
export function Commands({ commands }: { commands: CommandUse }) {
  const { meter } = useSession()
  useNow(5_000)
  const { today, yesterday, lastMinute, budget } = commands
  return (
    <Card title="Store commands">
      <dl class="figures">
        <Figure
          label="Today"
          note={
            budget === null ? "no budget is set" : `${formatShare(today / budget)} of ${formatCount(budget)}`
          }
        >
          {formatCount(today)}
        </Figure>
        <Figure label="Yesterday" note={yesterday === 0 ? undefined : `${costOf(yesterday)} a month`}>
          {yesterday === 0 ? NONE : formatCount(yesterday)}
        </Figure>
        <Figure label="Last minute" note={`${costOf(lastMinute * MINUTES_PER_DAY)} a month at this pace`}>
          {formatCount(lastMinute)}
        </Figure>
        <Figure label="This page, last minute" note={`about ${formatCount(meter.total)} since it was opened`}>
          {formatCount(meter.lastMinute())}
        </Figure>
      </dl>
      {budget !== null && (
        <meter
          min={0}
          max={budget}
          high={budget * 0.8}
          value={Math.min(today, budget)}
          aria-label="Commands of today"
        />
      )}
      <p class="muted">Days are UTC; a month is {DAYS} days at $0.20 per 100,000.</p>
    </Card>
  )
}
