import {
  type AlertChanges,
  type AlertSettings,
  type AlertsChange,
  type AlertsView,
  addNotices,
  evaluateAlerts,
  type StoredNotice,
  testNotice,
} from "../core/alerts.ts"
import type { AuditEntry } from "../core/audit.ts"
import type { Clock } from "../core/clock.ts"
import type { Config } from "../core/config.ts"
import { AppError, kindOf } from "../core/errors.ts"
import { newOperationId } from "../core/ids.ts"
import type { Log } from "../core/log.ts"
import type { AlertStore, KnownAlerts } from "../queue/alerts.ts"
import { showUrl } from "./url.ts"

/** Others may write at that very moment. */
const ROUNDS = 5

export interface AlertDeps {
  config: Pick<Config, "alerts" | "queueName">
  store: AlertStore
  clock: Clock
  log: Log
}

/** Alerts as their callers see them. */
export interface Alerts {
  /**
   * Looks whether something is wrong, and has it told: true when there is a notice for whoever sees to chores. Costs two
   * commands, three or four more where something has changed; without `ALERTS` none. Never throws.
   */
  evaluate(): Promise<boolean>
  /** One command. */
  read(): Promise<AlertsView>
  /** Throws `conflict` where `ALERTS` is not set, so that nobody would look. */
  change(change: AlertsChange, audit: AuditEntry): Promise<AlertsView>
  /** Has a notice told that says it is a test; its id. Throws `conflict` where nobody is to be told. */
  test(): Promise<string>
}

export function createAlerts({ config, store, clock, log }: AlertDeps): Alerts {
  const { alerts: setting, queueName } = config
  const inForce = ({ changes }: KnownAlerts) => settingsInForce(setting, changes)
  return {
    async evaluate() {
      if (setting === null) return false
      try {
        const { figures, known } = await store.look()
        const settings = inForce(known)
        const { state } = known
        const decided = evaluateAlerts({ state, figures, settings, queueName, newId: newOperationId })
        if (decided === null) return false
        const due = decided.notices.map(({ noticeId }) => noticeId)
        // Who has lost looks again with the next tick: the one who has won saw the same.
        if (!(await store.write(known, decided.state, due))) return false
        for (const { noticeId, type, rule, provider } of decided.notices) {
          log.warn(type === "alert.firing" ? "alert_firing" : "alert_recovered", { noticeId, rule, provider })
        }
        return due.length > 0
      } catch (error) {
        log.error("alerts_failed", { kind: kindOf(error) })
        return false
      }
    },
    read: async () => present(await store.read(), setting),
    async change(change, audit) {
      if (setting === null) throw notSet()
      await store.change(change, audit)
      return present(await store.read(), setting)
    },
    async test() {
      const noticeId = `msg_alr_${newOperationId()}_test`
      const notice = testNotice(noticeId, queueName, clock())
      await changeNotices(
        store,
        (notices, known) => {
          if (setting === null) throw notSet()
          if (inForce(known).url === null) throw new AppError("conflict", "There is no URL to tell: set one.")
          return addNotices(notices, [notice])
        },
        [noticeId],
      )
      return noticeId
    },
  }
}

function notSet(): AppError {
  const message = "Nobody looks for alerts: set ALERTS in the Worker's settings, to {} at least."
  return new AppError("conflict", message)
}

/** The setting with what was changed at run time. */
export function settingsInForce(setting: AlertSettings | null, changes: AlertChanges): AlertSettings {
  return { url: null, rules: {}, remindHours: 0, ...setting, ...(setting !== null && changes) }
}

/** Changes notices as they stand now, until nobody else has meanwhile; null: there is nothing to change. */
export async function changeNotices(
  store: AlertStore,
  change: (notices: StoredNotice[], known: KnownAlerts) => StoredNotice[] | null,
  due: string[] = [],
): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const known = await store.read()
    const notices = change(known.state.notices, known)
    if (notices === null || (await store.write(known, { ...known.state, notices }, due))) return
  }
  throw new AppError("store_unavailable", "Others keep changing the alerts.", { retryAfterSeconds: 1 })
}

function present({ state, changes }: KnownAlerts, setting: AlertSettings | null): AlertsView {
  const { url, rules, remindHours } = settingsInForce(setting, changes)
  return {
    url: url === null ? null : showUrl(url),
    ...{ rules, remindHours, changed: setting === null ? [] : Object.keys(changes).sort() },
    firing: state.alerts.flatMap(({ foundAt: _, firedAt, clearedAt: _c, toldAt: _t, told: _n, ...shown }) =>
      firedAt === null ? [] : [{ ...shown, firedAt }],
    ),
    recovered: state.recovered,
    notices: state.notices.map(({ body: _, until: _u, ...shown }) => shown),
  }
}
