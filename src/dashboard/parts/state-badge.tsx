import type { RequestState } from "../../client/client.ts"
import { Badge, type Tone } from "./badge.tsx"

const TONES: Record<RequestState, Tone> = {
  scheduled: "muted",
  pending: "info",
  processing: "info",
  completed: "good",
  failed: "bad",
  cancelled: "muted",
}

export function StateBadge({ state }: { state: RequestState }) {
  return <Badge tone={TONES[state]}>{state}</Badge>
}
