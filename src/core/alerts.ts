import type { DeliveryError } from "./delivery.ts"
import type { Trouble, TroubleCode } from "./pulse.ts"
import { tellDuration } from "./trouble-words.ts"
import { type Figures, findTroubles, THRESHOLDS, type Thresholds } from "./troubles.ts"

// What rings, when, and what is told then. docs/alerts.md says it in words.

export const ALERT_RULES = [
  ...(["backlog_age", "failure_rate", "breaker_open", "no_drain", "command_budget"] as const),
] as const
export type AlertRule = (typeof ALERT_RULES)[number]

/** Those that are to ring; absent: not that one. */
export interface AlertRules {
  backlog_age?: { seconds: number }
  failure_rate?: { percent: number; attempts: number }
  breaker_open?: Record<string, never>
  no_drain?: { seconds: number }
  command_budget?: { percent: number }
}

export interface AlertSettings {
  /** Who is told; null: nobody, and so nothing is evaluated. */
  url: string | null
  rules: AlertRules
  /** After so long that it still holds is told again; 0: never. */
  remindHours: number
}

/** What was changed at run time; absent: as set. */
export type AlertChanges = Partial<AlertSettings>

/** A change of that; null: as set again. */
export type AlertsChange = { [Name in keyof AlertSettings]?: AlertSettings[Name] | null }

/** One rule, of one provider or of the whole queue, that holds or has held until just now. */
interface Alert extends Pick<Trouble, "severity" | "provider" | "text" | "remedy"> {
  alertId: string
  rule: AlertRule
  /** When it began, as far as that is known. */
  since: number
  /** When it was first found. */
  foundAt: number
  /** When it was told; null: it has been found once only. */
  firedAt: number | null
  /** When it was first found to be over; null: it holds. */
  clearedAt: number | null
  /** When it was told last. */
  toldAt: number | null
  /** How often it has been told. */
  told: number
}

export interface RecoveredAlert extends Pick<Alert, "alertId" | "rule" | "provider" | "since" | "text"> {
  firedAt: number
  recoveredAt: number
}

/** What a receiver is sent, and what became of that. */
export interface Notice {
  /** Also the `webhook-id`: the same for every try. */
  noticeId: string
  type: "alert.firing" | "alert.recovered" | "alert.test"
  rule: AlertRule | null
  provider: string | null
  at: number
  state: "pending" | "failed" | "delivered" | "exhausted"
  tries: number
  nextAttemptAt: number | null
  /** Of the last try. */
  status: number | null
  error: DeliveryError | null
}

export interface StoredNotice extends Notice {
  /** null: it has been told, or given up. */
  body: string | null
  /** The last try is at that instant. */
  until: number
}

export interface AlertState {
  alerts: Alert[]
  /** The latest first. */
  recovered: RecoveredAlert[]
  /** The latest first. */
  notices: StoredNotice[]
}

/** One that has rung, and is not over. */
export interface FiringAlert extends Omit<Alert, "foundAt" | "firedAt" | "clearedAt" | "toldAt" | "told"> {
  firedAt: number
}

/** Alerts as `GET /v1/alerts` shows them. */
export interface AlertsView {
  /** Without its query, which may hold a token; null: nobody is told, and nothing is evaluated. */
  url: string | null
  rules: AlertRules
  remindHours: number
  /** What was changed at run time, and so is other than the setting. */
  changed: string[]
  firing: FiringAlert[]
  recovered: RecoveredAlert[]
  /** The latest first. */
  notices: Notice[]
}

export const NO_ALERTS: AlertState = { alerts: [], recovered: [], notices: [] }

/** True, or over, in two evaluations that are at least so far apart: two ticks at once are one. */
const APART_MS = 30_000
const HOUR_MS = 3_600_000
/** Told for so long, as other webhooks. */
const NOTICE_PATIENCE_MS = 24 * HOUR_MS
/** Of a provider that nobody knows any more. */
const FORGOTTEN_MS = 24 * HOUR_MS
const MAX_KEPT = 20
/** Each has a body of about 1 kB, and all are read by each evaluation. */
const MAX_OPEN_NOTICES = 50

const CODES: Record<AlertRule, TroubleCode[]> = {
  backlog_age: ["backlog_age"],
  failure_rate: ["failure_rate"],
  breaker_open: ["breaker_open", "provider_account"],
  no_drain: ["no_drain"],
  command_budget: ["command_budget"],
}

function isInForce({ url, rules }: AlertSettings): boolean {
  return url !== null && Object.keys(rules).length > 0
}

interface Found extends Omit<Trouble, "code"> {
  rule: AlertRule
}

/** What holds by these rules. */
function find(figures: Figures, rules: AlertRules): Found[] {
  const { backlog_age, failure_rate, no_drain, command_budget } = rules
  const thresholds: Thresholds = {
    backlogAgeSeconds: backlog_age?.seconds ?? THRESHOLDS.backlogAgeSeconds,
    failurePercent: failure_rate?.percent ?? THRESHOLDS.failurePercent,
    failureAttempts: failure_rate?.attempts ?? THRESHOLDS.failureAttempts,
    noDrainSeconds: no_drain?.seconds ?? THRESHOLDS.noDrainSeconds,
    commandPercent: command_budget?.percent ?? THRESHOLDS.commandPercent,
  }
  const wanted = ALERT_RULES.filter((rule) => rules[rule] !== undefined)
  return findTroubles(figures, thresholds).flatMap(({ code, ...trouble }) => {
    const rule = wanted.find((each) => CODES[each].includes(code))
    return rule === undefined ? [] : [{ rule, ...trouble }]
  })
}

export interface Evaluation {
  state: AlertState
  figures: Figures
  settings: AlertSettings
  /** Told along. */
  queueName: string
  newId: () => string
}

/**
 * How alerts stand after an evaluation, and the notices that are to be told of it; null: all is as it was. A rule rings when
 * it has held in two evaluations, is told again when it grows critical and every `remindHours`, and is over when it has not
 * held in two. Pure: whoever writes the state has decided, and of two that evaluate at once only one can.
 */
export function evaluateAlerts(
  evaluation: Evaluation,
): { state: AlertState; notices: StoredNotice[] } | null {
  const { state, figures, settings } = evaluation
  const now = figures.at
  if (!isInForce(settings))
    return state.alerts.length === 0 ? null : { state: { ...state, alerts: [] }, notices: [] }
  const found = new Map(find(figures, settings.rules).map((each) => [keyOf(each), each]))
  const notices: StoredNotice[] = []
  const recovered: RecoveredAlert[] = []
  const after = state.alerts.flatMap((alert): Alert[] => {
    const holds = found.get(keyOf(alert))
    found.delete(keyOf(alert))
    if (!isJudged(alert, figures)) {
      return now - (alert.toldAt ?? alert.foundAt) < FORGOTTEN_MS ? [alert] : []
    }
    if (holds !== undefined) return [hold(evaluation, alert, holds, notices)]
    if (alert.firedAt === null) return []
    if (alert.clearedAt === null) return [{ ...alert, clearedAt: now }]
    if (now - alert.clearedAt < APART_MS) return [alert]
    const { alertId, rule, provider, since, text, firedAt } = alert
    recovered.push({ alertId, rule, provider, since, text, firedAt, recoveredAt: now })
    notices.push(noticeOf(evaluation, "alert.recovered", alert))
    return []
  })
  const fresh = [...found.values()].map(({ since, ...each }): Alert => {
    const alertId = `alr_${evaluation.newId()}`
    const untold = { firedAt: null, clearedAt: null, toldAt: null, told: 0 }
    return { ...each, alertId, since: since ?? now, foundAt: now, ...untold }
  })
  const isSame =
    fresh.length === 0 &&
    after.length === state.alerts.length &&
    after.every((alert, i) => alert === state.alerts[i])
  if (isSame) return null
  return {
    state: {
      alerts: [...after, ...fresh],
      recovered: [...recovered, ...state.recovered].slice(0, MAX_KEPT),
      notices: addNotices(state.notices, notices),
    },
    notices,
  }
}

/** One that still holds: perhaps it is to be told. */
function hold(evaluation: Evaluation, alert: Alert, holds: Found, notices: StoredNotice[]): Alert {
  const { figures, settings } = evaluation
  const now = figures.at
  const { firedAt, toldAt, clearedAt } = alert
  if (firedAt === null && now - alert.foundAt < APART_MS) return alert
  const isWorse = holds.severity === "critical" && alert.severity !== "critical"
  const isDue = settings.remindHours > 0 && now - (toldAt ?? now) >= settings.remindHours * HOUR_MS
  if (firedAt !== null && !isWorse && !isDue)
    return clearedAt === null ? alert : { ...alert, clearedAt: null }
  const { severity, text, remedy } = holds
  const told = { ...alert, severity, text, remedy, firedAt: firedAt ?? now, clearedAt: null, toldAt: now }
  notices.push(noticeOf(evaluation, "alert.firing", told))
  return { ...told, told: alert.told + 1 }
}

/** A worker that serves some providers alone says nothing of the others. */
function isJudged({ provider }: Alert, { providers }: Figures): boolean {
  return provider === null || Object.hasOwn(providers, provider)
}

function keyOf({ rule, provider }: Pick<Alert, "rule" | "provider">): string {
  return `${rule}:${provider ?? ""}`
}

function noticeOf(
  { figures, queueName }: Evaluation,
  type: "alert.firing" | "alert.recovered",
  alert: Alert,
): StoredNotice {
  const { alertId, rule, provider, severity, since, firedAt, told } = alert
  const { at, counts, backlogSince, waitMs, throughput, commands } = figures
  const isOver = type === "alert.recovered"
  const data = {
    ...{ queueName, alertId, rule, provider, severity, since, firedAt },
    ...(isOver ? { recoveredAt: at } : { reminder: told > 0 }),
    text: isOver ? `It is over, after ${tellDuration(at - since)}: ${alert.text}` : alert.text,
    remedy: isOver ? "Nothing is left to do." : alert.remedy,
    figures: {
      ...{ ...counts, backlogSince, waitMs, ...throughput, commands },
      attempts: provider === null ? {} : (figures.attempts[provider] ?? {}),
    },
  }
  return newNotice({ noticeId: `msg_${alertId}_${told}`, type, rule, provider, at }, data)
}

/** One that says that notices arrive. */
export function testNotice(noticeId: string, queueName: string, at: number): StoredNotice {
  const data = { queueName, text: "This is a test: alerts of this queue arrive here." }
  return newNotice({ noticeId, type: "alert.test", rule: null, provider: null, at }, data)
}

function newNotice(
  notice: Pick<Notice, "noticeId" | "type" | "rule" | "provider" | "at">,
  data: Record<string, unknown>,
): StoredNotice {
  const { type, at } = notice
  const untold = { state: "pending", tries: 0, nextAttemptAt: at, status: null, error: null } as const
  const body = JSON.stringify({ type, timestamp: new Date(at).toISOString(), data })
  return { ...notice, ...untold, body, until: at + NOTICE_PATIENCE_MS }
}

/** All that are still to be told, within bounds, and the latest of the others. */
export function addNotices(before: StoredNotice[], added: StoredNotice[]): StoredNotice[] {
  let open = 0
  let ended = 0
  return [...added, ...before].filter(({ body }) =>
    body === null ? ++ended <= MAX_KEPT : ++open <= MAX_OPEN_NOTICES,
  )
}
