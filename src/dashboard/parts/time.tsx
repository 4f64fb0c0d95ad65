import { useNow } from "../data/use-now.ts"
import { formatInstant, formatRelative, NONE } from "../format.ts"

/** How long ago, or until when; the instant itself when pointed at. */
export function Time({ at }: { at: number | null | undefined }) {
  const now = useNow()
  if (at === null || at === undefined) return <span class="muted">{NONE}</span>
  return (
    <time dateTime={new Date(at).toISOString()} title={formatInstant(at)}>
      {formatRelative(at, now)}
    </time>
  )
}
