import { isFinished } from "../../core/outcome.ts"
import type { StatusReply } from "../../queue/contract.ts"
import type { AppContext } from "../context.ts"
import { readStatus } from "../read-status.ts"
import { servicesOf } from "../resource.ts"
import { looksWithin, nextPauseMs } from "./pace.ts"
import { sleep } from "./sleep.ts"
import { START, type TextPosition, textBehind } from "./text.ts"

/**
 * What becomes of a request. The texts of an attempt, in their order and without gaps, are its answer's text (of the first
 * choice); another `attempt` starts anew at `offset` 0. Offsets count bytes of UTF-8. `finished` comes last, once.
 */
export type RequestEvent =
  | { kind: "status"; status: StatusReply; attempt: number }
  | { kind: "text"; attempt: number; offset: number; text: string }
  | { kind: "finished"; status: StatusReply; attempt: number }

export interface FollowOptions {
  /** When to stop although it is not finished, epoch ms. */
  untilAt: number
  signal?: AbortSignal | undefined
  /** Told by `readStatus` a moment ago; absent: it is asked for. */
  known?: StatusReply
  /** Text before it has been seen. */
  from?: TextPosition
  /** Also tell when its place in line changes, which costs four commands each few seconds. */
  positions?: boolean
}

/** How often the place in line is asked for, at first and at last. */
const POSITION_EVERY_MS = 3000
const POSITION_GROWTH = 1.5
const POSITION_AT_MOST_EVERY_MS = 30_000

/**
 * Follows a request until it is finished, `untilAt` or the signal. Throws `not_found` when it is unknown, past its TTL, or
 * another organization's. Each look is one round trip; a change costs another.
 */
export async function* followRequest(
  c: AppContext,
  requestId: string,
  { untilAt, signal, known, from = START, positions = false }: FollowOptions,
): AsyncGenerator<RequestEvent, void, void> {
  const { queue, clock, config } = servicesOf(c)
  const sinceAt = clock()
  let status = known ?? (await readStatus(c, requestId))
  let told: StatusReply | null = null
  let attempt = attemptOf(status)
  let startedAt = status.state === "processing" ? status.startedAt : null
  let revision: string | null = null
  let positionEveryMs = POSITION_EVERY_MS
  let positionAt = sinceAt + positionEveryMs
  for (let looksLeft = looksWithin(config.subrequestLimit); ; looksLeft--) {
    if (isFinished(status.state)) {
      const text = textBehind(status, attempt, from)
      if (text !== null) yield { kind: "text", ...text }
      return yield { kind: "finished", status, attempt }
    }
    if (isNews(status, told)) yield { kind: "status", status, attempt }
    told = status
    if (clock() >= untilAt || looksLeft <= 0) return
    await sleep(nextPauseMs({ startedAt, sinceAt, status }, clock(), untilAt, looksLeft), signal)
    if (signal?.aborted) return

    const glance = await queue.glance(requestId)
    const isPositionDue = positions && status.state === "pending" && clock() >= positionAt
    if (isPositionDue) {
      positionEveryMs = Math.min(positionEveryMs * POSITION_GROWTH, POSITION_AT_MOST_EVERY_MS)
      positionAt = clock() + positionEveryMs
    }
    if (glance === null || isPositionDue || glance.revision !== revision) {
      looksLeft -= 1
      status = await readStatus(c, requestId)
    }
    revision = glance?.revision ?? null
    startedAt = glance?.startedAt ?? null
    attempt = isFinished(status.state) ? attemptOf(status) : (glance?.attempt ?? attempt)
  }
}

function isNews(status: StatusReply, told: StatusReply | null): boolean {
  return (
    status.state !== told?.state ||
    status.position !== told.position ||
    status.startedAt !== told.startedAt ||
    status.scheduledAt !== told.scheduledAt ||
    status.attempts.length !== told.attempts.length
  )
}

/** The attempt whose end it tells, or that is under way; 0: there was none. */
function attemptOf({ state, attempts }: StatusReply): number {
  const last = attempts.at(-1)?.number ?? 0
  if (state === "completed") return attempts.find(({ result }) => result === "completed")?.number ?? last
  return state === "processing" ? last + 1 : last
}
