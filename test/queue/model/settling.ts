import type { Settlement, SettleReply } from "../../../src/queue/contract.ts"
import { dayOf } from "../../../src/queue/keys.ts"
import { judge } from "./breaker.ts"
import { holds } from "./claiming.ts"
import type { Course } from "./courses.ts"
import { breakerOf, enterLine, type LiveRequest, type ModelSettings, type ModelState } from "./state.ts"
import { finish } from "./transitions.ts"

/** The failure that a late success replaces is listed under a day which the script was not given. */
export type Again = `again:${number}`

/**
 * `docs/states.md`, "what a settle does, by where the request is". What is answered `again` travels once more.
 * `alongside`: what the first script does after it.
 */
export function* settle<Claimed>(
  state: ModelState,
  settings: ModelSettings,
  now: number,
  served: string[],
  settlements: Settlement[],
  alongside: (state: ModelState) => Claimed,
): Course<{ replies: SettleReply[]; claimed: Claimed }> {
  yield
  const answers = record(state, settings, now, served, settlements, [])
  const claimed = alongside(state)
  for (let days = daysOf(answers); days.length > 0; days = daysOf(answers)) {
    const open = settlements.filter((_, i) => isAgain(answers[i]))
    yield
    const news = record(state, settings, now, served, open, days)
    for (const [i, answer] of answers.entries()) if (isAgain(answer)) answers[i] = news.shift() ?? "gone"
  }
  return { replies: answers.filter((answer) => !isAgain(answer)), claimed }
}

function isAgain(answer: SettleReply | Again | undefined): answer is Again {
  return answer?.startsWith("again:") === true
}

function daysOf(answers: (SettleReply | Again)[]): number[] {
  return answers.filter(isAgain).map((answer) => Number(answer.slice("again:".length)))
}

/** What its script does. `days`: whose lists of failures it is given beside those that it adds to. */
export function record(
  state: ModelState,
  settings: ModelSettings,
  now: number,
  served: string[],
  settlements: Settlement[],
  days: number[],
): (SettleReply | Again)[] {
  const hasFailed = settlements.some(({ decision }) => decision.kind === "failed")
  const given = hasFailed ? [...days, dayOf(now + settings.deadLetterTtlSeconds * 1000)] : days
  return settlements.map((told) => {
    // Nobody calls a provider that is not configured where it runs.
    const report = told.report !== null && served.includes(told.report.provider) ? told.report : null
    const settlement = { ...told, report }
    // Asking to be left alone counts, whatever became of the request; not when that is over before it is told.
    if (report?.blockedUntil && report.blockedUntil > now) {
      const until = Math.max(report.blockedUntil, state.blocks.get(report.provider) ?? 0)
      state.blocks.set(report.provider, until)
    }
    return settleOne(state, settings, now, settlement, given)
  })
}

/** The lease of a call ends with what it tells of its provider. */
function hear(
  state: ModelState,
  now: number,
  live: LiveRequest,
  { lease, attempt, report }: Settlement,
): void {
  if (attempt === null || !isRunning(live, lease.attempt)) return
  if (attempt.error?.code === "timeout") live.timeouts += 1
  if (report === null) return
  const call = `${lease.requestId} ${lease.attempt}`
  const heard = judge(breakerOf(state, live.line), now, call, live.circuit, report.health)
  state.breakers.set(live.line, heard)
}

function settleOne(
  state: ModelState,
  settings: ModelSettings,
  now: number,
  settlement: Settlement,
  days: number[],
): SettleReply | Again {
  const { lease, decision } = settlement
  const live = state.live.get(lease.requestId)
  if (live === undefined) return settleFinished(state, now, settlement, days)
  if (decision.kind === "completed") {
    hear(state, now, live, settlement)
    complete(state, now, live, settlement)
    return "settled"
  }
  if (decision.kind === "release") {
    if (!holds(live, lease)) return "noted"
    live.attempt -= 1
    live.place = enterLine(live, settings)
    return "settled"
  }
  const isMine = settlement.attempt === null ? holds(live, lease) : isRunning(live, lease.attempt)
  const isKnown = settlement.attempt !== null && isNoted(state, settlement)
  if (isKnown) return "settled"
  note(state, settlement)
  if (!isMine || decision.kind === "note") return "noted"
  hear(state, now, live, settlement)
  if (decision.kind === "failed") {
    const code = settlement.result.error?.code ?? "internal"
    const expiresAt = now + settings.deadLetterTtlSeconds * 1000
    finish(state, now, live, { state: "failed", code, expiresAt, endedBy: lease.attempt })
    return "settled"
  }
  if (decision.kind === "return") {
    live.place = enterLine(live, settings)
    return "settled"
  }
  live.retries += 1
  live.place = { at: "scheduled", dueAt: decision.dueAt }
  return "settled"
}

/** Also while it is held as overdue: whoever ran the attempt knows better what it came to. */
function isRunning({ place, attempt }: LiveRequest, number: number): boolean {
  return place.at === "lease" && attempt === number
}

function complete(state: ModelState, now: number, live: LiveRequest, { lease }: Settlement): void {
  const expiresAt = now + lease.resultTtlSeconds * 1000
  finish(state, now, live, { state: "completed", code: "", expiresAt, endedBy: lease.attempt })
}

/** Only a success after `failed: lease_expired` still changes an outcome. */
function settleFinished(
  state: ModelState,
  now: number,
  settlement: Settlement,
  days: number[],
): SettleReply | Again {
  const { lease, decision } = settlement
  const outcome = state.outcomes.get(lease.requestId)
  if (outcome === undefined) return "gone"
  if (decision.kind === "completed" && outcome.state === "failed" && outcome.code === "lease_expired") {
    const day = dayOf(outcome.expiresAt)
    if (!days.includes(day)) return `again:${day}`
    complete(state, now, { ...outcome.request, place: { at: "line", score: 0 } }, settlement)
    return "settled"
  }
  if (decision.kind === "completed" && outcome.state === "completed" && outcome.endedBy === lease.attempt)
    return "settled"
  if (settlement.attempt === null || isNoted(state, settlement)) return "settled"
  note(state, settlement)
  return "noted"
}

function isNoted(state: ModelState, { lease }: Settlement): boolean {
  return state.noted.get(lease.requestId)?.has(lease.attempt) === true
}

function note(state: ModelState, { lease, attempt }: Settlement): void {
  if (attempt === null) return
  const numbers = state.noted.get(lease.requestId) ?? new Set()
  state.noted.set(lease.requestId, numbers.add(lease.attempt))
}
