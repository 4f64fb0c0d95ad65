import { WATCHING_LIMIT } from "../data/budget.ts"
import { useNow } from "../data/use-now.ts"
import { formatCount } from "../format.ts"
import { useSession } from "../session.ts"

/** Commands are billed, so the page says what watching it costs. */
export function Spent() {
  const { meter } = useSession()
  useNow(5_000)
  return (
    <footer class="spent muted">
      Watching costs at most {WATCHING_LIMIT} store commands a minute while this tab is seen, and nothing
      while it is not; what is opened or clicked comes on top. This tab: about{" "}
      {formatCount(meter.lastMinute())} in the last minute, {formatCount(meter.total)} since it was opened.
    </footer>
  )
}
