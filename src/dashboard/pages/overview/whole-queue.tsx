import type { Pulse, QueueStats } from "../../../client/client.ts"
import { statsEvery, statsPrice } from "../../data/budget.ts"
import { usePulse } from "../../data/pulse.ts"
import { useReading } from "../../data/use-reading.ts"
import { Loading } from "../../parts/states.tsx"
import { useSession } from "../../session.ts"
import { Attempts } from "./attempts.tsx"
import { Commands } from "./commands.tsx"
import { Lanes } from "./lanes.tsx"
import { Lines } from "./lines.tsx"
import { LastMinute, States } from "./now.tsx"
import { OverTime } from "./over-time.tsx"
import { Providers } from "./providers.tsx"
import { Times } from "./times.tsx"

export function WholeQueue() {
  const pulse = usePulse()
  // Why there is none is said on top of the page.
  return pulse?.value ? <Figures pulse={pulse.value} /> : <Loading rows={12} />
}

function Figures({ pulse }: { pulse: Pulse }) {
  const { client } = useSession()
  const price = statsPrice(pulse)
  const everyMs = statsEvery(price)
  const stats = useReading(() => client.stats() as Promise<QueueStats>, everyMs, [client], {
    price,
    name: "stats",
  })
  return (
    <div class="grid board">
      <States pulse={pulse} stats={stats} price={everyMs === null ? price : null} />
      <LastMinute pulse={pulse} stats={stats} />
      <Commands commands={pulse.commands} />
      <Times pulse={pulse} />
      <Providers pulse={pulse} stats={stats.value} />
      <Lanes pulse={pulse} />
      <Lines pulse={pulse} />
      <Attempts pulse={pulse} />
      <OverTime pulse={pulse} />
    </div>
  )
}
