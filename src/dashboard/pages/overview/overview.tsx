import { usePulse } from "../../data/pulse.ts"
import { Read } from "../../parts/states.tsx"
import { Providers } from "./providers.tsx"

export function Overview() {
  const pulse = usePulse()
  if (pulse === null) return null
  return (
    <div class="grid">
      <Read of={pulse}>{(value) => <Providers pulse={value} />}</Read>
    </div>
  )
}
