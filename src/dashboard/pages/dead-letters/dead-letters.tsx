import { useState } from "preact/hooks"
import type { SweepGroup, SweepTotals } from "../../../client/client.ts"
import { useReading } from "../../data/use-reading.ts"
import { formatCount } from "../../format.ts"
import { Card } from "../../parts/card.tsx"
import { keepFocus } from "../../parts/focus.ts"
import { Read } from "../../parts/states.tsx"
import { Table } from "../../parts/table.tsx"
import { linkTo } from "../../router.ts"
import { useSession } from "../../session.ts"
import { countSome } from "./count-some.ts"
import { SweepDialog } from "./sweep-dialog.tsx"

type Verb = "replay" | "discard"
interface Asked {
  verb: Verb
  group: SweepGroup
}

export function DeadLetters() {
  const { client, self } = useSession()
  const [asked, setAsked] = useState<Asked | null>(null)
  const [pages, setPages] = useState(5)
  const mayDiscard = self.scopes.includes("cancel")
  const mayReplay = self.scopes.includes("enqueue")
  const counted = useReading(
    (signal) => countSome(client, mayDiscard ? "discard" : "replay", pages, signal),
    null,
    [client, pages],
  )
  const ask = (verb: Verb, group: SweepGroup) => (
    <button
      type="button"
      class={verb === "discard" ? "danger" : "plain"}
      aria-label={`${verb === "replay" ? "Replay" : "Discard"} ${group.provider}, ${group.errorCode}`}
      onClick={() => setAsked({ verb, group })}
    >
      {verb === "replay" ? "Replay" : "Discard"}
    </button>
  )
  return (
    <>
      <Card
        title="By what went wrong"
        isWide
        aside={
          <button type="button" aria-busy={counted.isReading} onClick={() => void counted.refresh()}>
            Count again
          </button>
        }
      >
        <p class="muted">
          Failed requests are kept with their messages until their time to live ends. Replay those whose cause
          is mended; a discarded one cannot be replayed.
        </p>
        <Read of={counted} rows={6}>
          {({ totals, isAll }) => (
            <>
              <Table
                label="Dead letters by cause"
                rows={totals.groups}
                keyOf={({ provider, errorCode }) => `${provider} ${errorCode}`}
                empty="There are none: nothing that was accepted has failed for good."
                columns={[
                  { title: "Error", show: ({ errorCode }) => errorCode },
                  { title: "Provider", show: ({ provider }) => provider },
                  { title: "Requests", isFigure: true, show: ({ count }) => formatCount(count) },
                  {
                    title: "What to do",
                    show: (group) => (
                      <div class="buttons">
                        {mayReplay && ask("replay", group)}
                        {mayDiscard && ask("discard", group)}
                        <a href={listOf(group)}>Look at them</a>
                      </div>
                    ),
                  },
                ]}
              />
              <CountedSoFar totals={totals} isAll={isAll} goOn={() => setPages(pages * 4)} />
            </>
          )}
        </Read>
      </Card>
      {asked !== null && (
        <SweepDialog
          {...asked}
          onClose={(isChanged) => {
            setAsked(null)
            if (isChanged) void counted.refresh().then(keepFocus)
          }}
        />
      )}
    </>
  )
}

function CountedSoFar({ totals, isAll, goOn }: { totals: SweepTotals; isAll: boolean; goOn: () => void }) {
  if (isAll) return <p class="muted">{formatCount(totals.matched)} in all.</p>
  return (
    <div class="buttons">
      <span>{formatCount(totals.matched)} so far: there are more.</span>
      <button type="button" onClick={goOn}>
        Count on
      </button>
    </div>
  )
}

function listOf({ provider, errorCode }: SweepGroup): string {
  return linkTo(["requests"], { state: "failed", provider, errorCode })
}
