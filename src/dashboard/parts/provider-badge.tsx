import type { ProviderDetails } from "../../client/client.ts"
import { Badge } from "./badge.tsx"

type State = Pick<ProviderDetails, "paused" | "breaker" | "cause" | "blockedUntil">

/** How a provider is, the worst first. */
export function ProviderBadge({ of: { paused, breaker, cause, blockedUntil } }: { of: State }) {
  if (paused) return <Badge tone="info">paused</Badge>
  if (breaker === "open") {
    return <Badge tone="bad">breaker open{cause === "account" ? ": its account" : ""}</Badge>
  }
  if (breaker === "half_open") return <Badge tone="warn">trying again</Badge>
  if (blockedUntil !== null) return <Badge tone="warn">blocked</Badge>
  return <Badge tone="good">working</Badge>
}
