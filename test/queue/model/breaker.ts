import type { TargetReport } from "../../../src/queue/contract.ts"

/** Of one provider. Closed until enough goes wrong in a row, or its account is refused. */
export interface Breaker {
  /** null: closed. Until then nothing starts; from then on one probe at a time. */
  openUntil: number | null
  cause: "trouble" | "account" | null
  /** How often it has opened since it was closed. */
  trips: number
  failures: number
  /** Counts its changes; a call knows the one that it started under. */
  epoch: number
  /** Whose call, `<id> <attempt>`, is to tell whether it works again. */
  probe: string | null
}

const FAILURES = 5
const FIRST_MS = { trouble: 5000, account: 60_000 }
const LONGEST_MS = { trouble: 60_000, account: 300_000 }

export function closedBreaker(epoch = 0): Breaker {
  return { openUntil: null, cause: null, trips: 0, failures: 0, epoch, probe: null }
}

/** What a call, started under that epoch, tells of it. */
export function judge(
  breaker: Breaker,
  now: number,
  call: string,
  epoch: number,
  health: TargetReport["health"],
): Breaker {
  const isHeard = epoch === breaker.epoch && (breaker.openUntil === null || breaker.probe === call)
  if (health === "unknown" || !isHeard) return breaker
  if (health === "ok") {
    return breaker.openUntil === null ? { ...breaker, failures: 0 } : closedBreaker(breaker.epoch + 1)
  }
  const failures = breaker.failures + 1
  if (health === "trouble" && breaker.openUntil === null && failures < FAILURES)
    return { ...breaker, failures }
  const openMs = Math.min(FIRST_MS[health] * 2 ** breaker.trips, LONGEST_MS[health])
  return {
    ...{ openUntil: now + openMs, cause: health, trips: breaker.trips + 1 },
    ...{ failures: 0, epoch: breaker.epoch + 1, probe: null },
  }
}
