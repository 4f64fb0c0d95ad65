import { isFinished } from "../../core/outcome.ts"
import type { RequestState } from "../../core/request.ts"
import { sleep } from "../../core/sleep.ts"
import type { Glance, RequestQueue, StatusReply, TextPosition } from "../../queue/contract.ts"
import type { AppContext } from "../context.ts"
import { readStatus } from "../read-status.ts"
import { afterAnswer, servicesOf } from "../resource.ts"
import { looksWithin, nextPauseMs } from "./pace.ts"
import { bytesOf, textBehind } from "./text.ts"

/**
 * What becomes of a request. The texts of an attempt, in their order and without gaps, are its answer's text (of the first
 * choice); another `attempt` starts anew at `offset` 0. Offsets count bytes of UTF-8. `finished` comes last, once.
 */
export type RequestEvent =
  | { kind: "status"; status: StatusReply; attempt: number }
  | { kind: "text"; attempt: number; offset: number; text: string }
  | { kind: "finished"; status: StatusReply }

/** What was told before: the text up to a place, and the state. */
export interface Seen extends TextPosition {
  state: RequestState
}

export interface FollowOptions {
  /** When to stop although it is not finished, epoch ms. */
  untilAt: number
  signal?: AbortSignal | undefined
  /** Told by `readStatus` a moment ago; absent: it is asked for. */
  known?: StatusReply
  /** By who comes back. */
  seen?: Seen
  /** Also tell when its place in line changes, which costs four commands each few seconds. */
  positions?: boolean
}

/** How often the place in line is asked for, at first and at last. */
const POSITION_EVERY_MS = 3000
const POSITION_GROWTH = 1.5
const POSITION_AT_MOST_EVERY_MS = 30_000

/**
 * Follows a request until it is finished, `untilAt` or the signal. Throws `not_found` when it is unknown, past its TTL, or
 * another organization's. Its text is stored as it comes from then on. Each look is one round trip and one command, two
 * while it is processed; what has changed costs a status.
 */
export async function* followRequest(
  c: AppContext,
  requestId: string,
  { untilAt, signal, known, seen, positions = false }: FollowOptions,
): AsyncGenerator<RequestEvent, void, void> {
  const { queue, clock, config, lanes } = servicesOf(c)
  const sinceAt = clock()
  let status = known ?? (await readStatus(c, requestId))
  let told: Told = seen === undefined ? {} : { state: seen.state }
  let at: TextPosition = seen ?? { attempt: 0, offset: 0 }
  let glance = isFinished(status.state) ? null : await queue.watch(requestId, untilAt)
  const owner = glance?.owner ?? null
  if (owner !== null) afterAnswer(c, lanes.watch(owner, requestId, untilAt))
  // Something may have happened between the two.
  let revision = isSameState(status, glance) ? glance?.revision : undefined
  let positionEveryMs = POSITION_EVERY_MS
  let positionAt = sinceAt + positionEveryMs
  for (let looksLeft = looksWithin(config.subrequestLimit); ; looksLeft--) {
    if (isFinished(status.state)) {
      const rest = textBehind(status, at)
      if (rest !== null) yield { kind: "text", ...rest }
      return yield { kind: "finished", status }
    }
    const attempt = glance?.attempt ?? at.attempt
    if (isNews(status, told)) yield { kind: "status", status, attempt }
    told = status
    if (attempt !== at.attempt) at = { attempt, offset: 0 }
    if (clock() >= untilAt || looksLeft <= 0) return
    const startedAt = glance?.startedAt ?? null
    await sleep(
      nextPauseMs({ startedAt, sinceAt, status, isSparing: queue.isSparing() }, clock(), untilAt, looksLeft),
      signal,
    )
    if (signal?.aborted) return

    const look = await takeLook(queue, requestId, startedAt === null ? null : at)
    glance = look.glance
    if (look.text !== "") {
      yield { kind: "text", ...at, text: look.text }
      at = { attempt: at.attempt, offset: at.offset + bytesOf(look.text) }
    }
    const isPositionDue = positions && status.state === "pending" && clock() >= positionAt
    if (isPositionDue) {
      positionEveryMs = Math.min(positionEveryMs * POSITION_GROWTH, POSITION_AT_MOST_EVERY_MS)
      positionAt = clock() + positionEveryMs
    }
    if (isPositionDue || glance === null || glance.revision !== revision) {
      looksLeft -= 1
      status = await readStatus(c, requestId)
    }
    revision = glance?.revision
  }
}

function isSameState({ state }: StatusReply, glance: Glance | null): boolean {
  return glance !== null && (state === "processing") === (glance.startedAt !== null)
}

/** `at`: where its text is known to; null: there is none to be expected. */
async function takeLook(
  queue: Pick<RequestQueue, "glance" | "glanceAtText">,
  requestId: string,
  at: TextPosition | null,
): Promise<{ glance: Glance | null; text: string }> {
  if (at !== null) return queue.glanceAtText(requestId, at)
  return { glance: await queue.glance(requestId), text: "" }
}

/** What of a status makes it worth telling anew. */
type Told = Partial<Pick<StatusReply, "state" | "position" | "scheduledAt" | "attempts">>

/** Who comes back knows the state alone; a place in line is told again. */
function isNews(status: StatusReply, told: Told): boolean {
  if (status.state !== told.state || status.position !== (told.position ?? null)) return true
  if (told.attempts === undefined) return false
  return status.scheduledAt !== told.scheduledAt || status.attempts.length !== told.attempts.length
}
