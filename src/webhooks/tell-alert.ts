import type { AlertSettings, StoredNotice } from "../core/alerts.ts"
import type { Clock, Random } from "../core/clock.ts"
import { sha256Hex } from "../core/digest.ts"
import type { Log } from "../core/log.ts"
import type { AlertStore } from "../queue/alerts.ts"
import type { DeliveryStore } from "../queue/deliveries.ts"
import { changeNotices, settingsInForce } from "./alerts.ts"
import { nextTryAt } from "./backoff.ts"
import { type Posted, post } from "./post.ts"
import type { CheckHost } from "./resolve.ts"
import type { WebhookSecrets } from "./secrets.ts"
import { signedHeaders } from "./sign.ts"

export interface TellDeps {
  setting: AlertSettings | null
  store: AlertStore
  deliveries: Pick<DeliveryStore, "receiver">
  secrets: Pick<WebhookSecrets, "signing">
  checkHost: CheckHost
  fetch: typeof fetch
  clock: Clock
  random: Random
  log: Log
}

/** Whose secrets sign what operators are told: no organization can have this name. */
const OPERATORS = "*"
/** Reading the notice and the secrets, two look-ups of the host, the call, reading and writing what came of it. */
const SUBREQUESTS = 7
/** A process without `ALERTS` leaves notices to others for so long each time. */
const ELSEWHERE_MS = 30_000

/**
 * Makes the handler of the chores `alert|<notice id>`: it tells whoever alerts go to now, and resolves to when the notice is
 * to be told again, or null when it has been told or given up. What is told is the same each time, under the same id; a
 * chore that ran before may have told it already.
 */
export function createTellAlert(deps: TellDeps) {
  return async (noticeId: string, room: { spend(subrequests: number): void; readonly spare: number }) => {
    const { store, clock, log } = deps
    if (room.spare < SUBREQUESTS) return clock()
    room.spend(SUBREQUESTS)
    const { state, changes } = await store.read()
    const notice = state.notices.find((each) => each.noticeId === noticeId)
    if (notice === undefined || notice.body === null) return null
    // Whoever decided it knows whom to tell: this process cannot.
    if (deps.setting === null && clock() < notice.until) return clock() + ELSEWHERE_MS
    const { url } = settingsInForce(deps.setting, changes)
    const posted = url === null ? null : await call(deps, url, notice)
    const after = decide(deps, notice, posted)
    await changeNotices(store, (notices) =>
      notices.some((each) => each.noticeId === noticeId)
        ? notices.map((each) => (each.noticeId === noticeId ? after : each))
        : null,
    )
    const { state: became, tries, nextAttemptAt, status, error } = after
    log.info("alert_notice", { noticeId, state: became, tries, nextAttemptAt, status, error })
    return nextAttemptAt
  }
}

async function call(deps: TellDeps, url: string, notice: StoredNotice): Promise<Posted> {
  const at = deps.clock()
  const refusal = await deps.checkHost(new URL(url).hostname)
  if (refusal !== null) return { attempt: { at, status: null, durationMs: 0, error: refusal }, askedMs: null }
  const { secrets } = await deps.deliveries.receiver(OPERATORS, await sha256Hex(url))
  const signing = await deps.secrets.signing(OPERATORS, secrets)
  const body = notice.body ?? ""
  const headers = await signedHeaders(notice.noticeId, deps.clock(), body, signing)
  return post({ url, body, headers }, deps)
}

/** How a notice stands after a call; `posted` null: nobody is to be told any more. */
function decide({ clock, random }: TellDeps, notice: StoredNotice, posted: Posted | null): StoredNotice {
  const ended = { ...notice, nextAttemptAt: null, body: null }
  if (posted === null) return { ...ended, state: "exhausted" }
  const { attempt, askedMs } = posted
  const { status, error } = attempt
  const tries = notice.tries + 1
  if (error === null) return { ...ended, state: "delivered", tries, status, error }
  const bounds = { now: clock(), until: notice.until, random, askedMs: askedMs ?? 0 }
  const nextAttemptAt = nextTryAt(tries, bounds)
  return nextAttemptAt === null
    ? { ...ended, state: "exhausted", tries, status, error }
    : { ...notice, state: "failed", tries, status, error, nextAttemptAt }
}
