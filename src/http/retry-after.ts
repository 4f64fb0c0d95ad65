import type { RequestStatus } from "../core/outcome.ts"

const LONGEST_SECONDS = 60
/** Answers take about that long; also where nothing tells when a request will start. */
const USUAL_SECONDS = 2

/** When to ask for a request again, whole seconds; null once it has its outcome. */
export function retryAfterSeconds(
  { state, scheduledAt, estimatedStartAt }: RequestStatus,
  now: number,
): number | null {
  switch (state) {
    case "scheduled":
      return secondsUntil(scheduledAt, now)
    case "pending":
      return secondsUntil(estimatedStartAt?.p50 ?? null, now)
    case "processing":
      return USUAL_SECONDS
    default:
      return null
  }
}

function secondsUntil(at: number | null, now: number): number {
  if (at === null) return USUAL_SECONDS
  return Math.min(Math.max(Math.ceil((at - now) / 1000), 1), LONGEST_SECONDS)
}
