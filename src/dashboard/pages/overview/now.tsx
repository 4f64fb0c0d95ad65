import type { Pulse, QueueStats } from "../../../client/client.ts"
import type { Watched } from "../../data/use-reading.ts"
import { formatCount, formatDuration, NONE } from "../../format.ts"
import { ActionButton } from "../../parts/action-button.tsx"
import { Card } from "../../parts/card.tsx"
import { Figure } from "../../parts/figure.tsx"
import { Time } from "../../parts/time.tsx"

interface Props {
  pulse: Pulse
  stats: Watched<QueueStats>
  /** Commands that counting costs; null: it is done by itself. */
  price: number | null
}

/** Requests per state; those of ended ones are counted less often, for that costs more. */
export function States({ pulse, stats, price }: Props) {
  const kept = stats.value?.counts
  return (
    <Card
      title="Requests"
      aside={price !== null && <ActionButton label={`Count again (${price} commands)`} act={stats.refresh} />}
    >
      <dl class="figures">
        <Figure label="Scheduled">{formatCount(pulse.counts.scheduled)}</Figure>
        <Figure label="Pending">{formatCount(pulse.counts.pending)}</Figure>
        <Figure label="Processing">{formatCount(pulse.counts.processing)}</Figure>
        <Figure label="Completed">{formatCount(kept?.completed)}</Figure>
        <Figure label="Failed">{formatCount(kept?.failed)}</Figure>
        <Figure label="Cancelled">{formatCount(kept?.cancelled)}</Figure>
      </dl>
      <p class="muted">
        Ended ones are those still kept, counted <Time at={stats.readAt} />.
      </p>
    </Card>
  )
}

export function LastMinute({ pulse, stats }: Omit<Props, "price">) {
  const { throughput, backlogSince } = pulse
  const readAt = stats.readAt ?? pulse.at
  const oldest = pulse.counts.pending === 0 ? null : stats.value?.oldestPendingAgeMs
  return (
    <Card title="Last minute">
      <dl class="figures">
        <Figure label="Enqueued">{formatCount(throughput.enqueuedLastMinute)}</Figure>
        <Figure label="Completed">{formatCount(throughput.completedLastMinute)}</Figure>
        <Figure label="Failed">{formatCount(throughput.failedLastMinute)}</Figure>
        <Figure label="Retried">{formatCount(throughput.retriedLastMinute)}</Figure>
        <Figure label="Oldest pending">
          {oldest === null || oldest === undefined ? NONE : formatDuration(oldest)}
        </Figure>
        <Figure label="Backlog for">
          {backlogSince === null ? NONE : formatDuration(Math.max(0, pulse.at - backlogSince))}
        </Figure>
      </dl>
      <p class="muted">
        The oldest pending one was looked up <Time at={readAt} />.
      </p>
    </Card>
  )
}
