import type { AlertsView, Notice } from "../../../client/client.ts"
import { tellResult } from "../../delivery-words.ts"
import { formatCount, NONE } from "../../format.ts"
import { ActionButton } from "../../parts/action-button.tsx"
import { Badge, type Tone } from "../../parts/badge.tsx"
import { Card } from "../../parts/card.tsx"
import { Table } from "../../parts/table.tsx"
import { Time } from "../../parts/time.tsx"

const TONES: Record<Notice["state"], Tone> = {
  pending: "info",
  failed: "warn",
  delivered: "good",
  exhausted: "bad",
}

interface Props {
  view: AlertsView
  /** Absent: this key may not. */
  test?: () => Promise<unknown>
}

/** What a receiver was sent, and what became of that. */
export function Notices({ view: { url, notices }, test }: Props) {
  return (
    <Card
      title="Notices"
      isWide
      aside={test !== undefined && <ActionButton label="Send a test notice" act={test} />}
    >
      <p class="muted long">
        {url === null ? "Nobody is told: there is no URL to tell." : `They are told to ${url}`}
      </p>
      <Table
        label="Notices"
        rows={notices}
        keyOf={({ noticeId }) => noticeId}
        empty="None has been sent."
        columns={[
          { title: "Tells", show: ({ type }) => type },
          { title: "Rule", show: ({ rule }) => rule ?? NONE },
          {
            title: "Of",
            show: ({ rule, provider }) => provider ?? (rule === null ? NONE : "the whole queue"),
          },
          { title: "When", show: ({ at }) => <Time at={at} /> },
          { title: "State", show: ({ state }) => <Badge tone={TONES[state]}>{state}</Badge> },
          { title: "Tries", isFigure: true, show: ({ tries }) => formatCount(tries) },
          { title: "Last try", show: (notice) => tellResult(notice) || NONE },
          { title: "Next try", show: ({ nextAttemptAt }) => <Time at={nextAttemptAt} /> },
        ]}
      />
    </Card>
  )
}
