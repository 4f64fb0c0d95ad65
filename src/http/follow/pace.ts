import type { RequestStatus } from "../../core/outcome.ts"

const SHORTEST_MS = 150
/** A call is looked at again after this share of the time that it has taken: a long one is not missed by more than that. */
const SHARE = 1 / 8
const LONGEST_WHILE_PROCESSING_MS = 500
const LONGEST_WHILE_WAITING_MS = 2000
/** Where commands are spared, all pauses are that much longer. */
const SPARING = 2
/** Of the subrequests of an invocation those that are not looks: the key, the first and the last status, tries again. */
const OTHER_TRIPS = 10

/** How many looks at the store one invocation can afford. */
export function looksWithin(subrequestLimit: number): number {
  return Math.max(1, subrequestLimit - OTHER_TRIPS)
}

/** Where a request stands, as far as it matters for when to look again. */
export interface Standing {
  /** When the attempt that is under way started, epoch ms; null: none is. */
  startedAt: number | null
  /** Since when it has been waited for, epoch ms. */
  sinceAt: number
  status: Pick<RequestStatus, "state" | "scheduledAt" | "estimatedStartAt">
  /** Of the queue. */
  isSparing: boolean
}

/**
 * How long to leave a request alone, ms. A call ends at any time, so it is looked at in steps that grow with the time it
 * has taken; nothing ends that has not started, so before its start it is looked at as its start comes near. With few
 * looks left the steps grow so that they last until `untilAt`.
 */
export function nextPauseMs(standing: Standing, now: number, untilAt: number, looksLeft: number): number {
  const leftMs = untilAt - now
  const times = standing.isSparing ? SPARING : 1
  const elapsedMs = Math.max(SHORTEST_MS, now - (standing.startedAt ?? standing.sinceAt))
  const lasting = elapsedMs * (((elapsedMs + leftMs) / elapsedMs) ** (1 / Math.max(1, looksLeft)) - 1)
  return Math.min(
    leftMs,
    Math.ceil(Math.max(SHORTEST_MS * times, lasting, wantedMs(standing, elapsedMs, now) * times)),
  )
}

function wantedMs({ startedAt, status }: Standing, elapsedMs: number, now: number): number {
  if (startedAt !== null) return Math.min(elapsedMs * SHARE, LONGEST_WHILE_PROCESSING_MS)
  const startsAt = status.state === "scheduled" ? status.scheduledAt : status.estimatedStartAt?.p50
  const waitMs = startsAt == null ? elapsedMs * SHARE : (startsAt - now) / 4
  return Math.min(waitMs, LONGEST_WHILE_WAITING_MS)
}
