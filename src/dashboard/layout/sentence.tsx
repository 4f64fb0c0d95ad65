import { useMemo } from "preact/hooks"
import type { Pulse, Trouble } from "../../client/client.ts"
import { usePulse } from "../data/pulse.ts"
import { useNow } from "../data/use-now.ts"
import { isPassing } from "../data/watch.ts"
import { formatCount, formatDuration } from "../format.ts"
import { Badge, type Tone } from "../parts/badge.tsx"
import { explain } from "../parts/states.tsx"
import { Time } from "../parts/time.tsx"
import { TroubleLevers } from "./trouble-levers.tsx"

const TONES = { critical: "bad", warning: "warn", info: "info" } as const satisfies Record<
  Trouble["severity"],
  Tone
>

/** How the queue is, in one sentence on top of every page; when something is wrong also what to do, and the lever for it. */
export function Sentence() {
  const pulse = usePulse()
  if (pulse === null) return null
  const worst = pulse.value?.troubles[0]
  const news =
    pulse.error !== null ? "No news of the queue." : worst === undefined ? "All is well." : worst.text
  return (
    <section
      class={`sentence ${worst === undefined ? "good" : TONES[worst.severity]}`}
      aria-label="State of the queue"
    >
      <News text={news} about={pulse.error !== null ? "error" : `${worst?.code} ${worst?.provider}`} />
      <div class="words">
        {pulse.error !== null ? (
          <p>
            <Badge tone="bad">No news</Badge> {explain(pulse.error)}{" "}
            {isPassing(pulse.error) && "Trying again."}
            {pulse.readAt !== null && (
              <>
                {" "}
                What is shown is from <Time at={pulse.readAt} />.
              </>
            )}
          </p>
        ) : pulse.value === null ? (
          <p class="muted">Looking …</p>
        ) : worst === undefined ? (
          <p>
            <Badge tone="good">All is well</Badge> <Calm pulse={pulse.value} />
          </p>
        ) : (
          <p>
            <Badge tone={TONES[worst.severity]}>{worst.severity === "info" ? "Note" : "Trouble"}</Badge>{" "}
            {worst.text} <span class="remedy">{worst.remedy}</span>
          </p>
        )}
      </div>
      {pulse.value !== null && worst !== undefined && <TroubleLevers trouble={worst} pulse={pulse.value} />}
    </section>
  )
}

/** Said to who cannot see it, once for each thing that happens: not again for each figure in it that changes. */
function News({ text, about }: { text: string; about: string }) {
  const said = useMemo(() => text, [about])
  return (
    <p class="hidden" aria-live="polite">
      {said}
    </p>
  )
}

function Calm({ pulse }: { pulse: Pulse }) {
  const now = useNow(5_000)
  const { counts, backlogSince, throughput } = pulse
  return (
    <>
      {formatCount(counts.pending)} pending
      {backlogSince !== null && `, a backlog for ${formatDuration(Math.max(0, now - backlogSince))}`};{" "}
      {formatCount(counts.processing)} in flight; {formatCount(throughput.completedLastMinute)} completed in
      the last minute.
    </>
  )
}
