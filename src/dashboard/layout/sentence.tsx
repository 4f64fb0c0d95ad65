import type { Pulse, Trouble } from "../../client/client.ts"
import { usePulse } from "../data/pulse.ts"
import { useNow } from "../data/use-now.ts"
import { formatCount, formatDuration } from "../format.ts"
import { Badge, type Tone } from "../parts/badge.tsx"
import { explain } from "../parts/states.tsx"
import { Time } from "../parts/time.tsx"

const TONES = { critical: "bad", warning: "warn", info: "info" } as const satisfies Record<
  Trouble["severity"],
  Tone
>

/** How the queue is, in one sentence on top of every page; when something is wrong also what to do, and the lever for it. */
export function Sentence() {
  const pulse = usePulse()
  if (pulse === null) return null
  const worst = pulse.value?.troubles[0]
  return (
    <section
      class={`sentence ${worst === undefined ? "good" : TONES[worst.severity]}`}
      aria-label="State of the queue"
    >
      <div aria-live="polite" class="words">
        {pulse.error !== null ? (
          <p>
            <Badge tone="bad">No news</Badge> {explain(pulse.error)}
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
    </section>
  )
}

function Calm({ pulse }: { pulse: Pulse }) {
  const now = useNow(5_000)
  const { counts, backlogSince, throughput } = pulse
  return (
    <>
      {formatCount(counts.pending)} pending
      {backlogSince !== null && `, for ${formatDuration(Math.max(0, now - backlogSince))} by now`};{" "}
      {formatCount(counts.processing)} in flight; {formatCount(throughput.completedLastMinute)} completed in
      the last minute.
    </>
  )
}
