import { type AlertChanges, type AlertState, type AlertsChange, NO_ALERTS } from "../core/alerts.ts"
import type { AuditEntry } from "../core/audit.ts"
import { AppError } from "../core/errors.ts"
import type { Figures } from "../core/troubles.ts"
import { noteCall } from "./access.ts"
import type { QueueContext } from "./context.ts"
import { unreadable } from "./formats.ts"
import { readFiguresOfNow } from "./pulse.ts"

/** Alerts as they are stored. */
export interface KnownAlerts {
  state: AlertState
  changes: AlertChanges
  /** The state as it was read. */
  text: string
}

/** Every method is one round trip unless it says otherwise; commands are given per method. */
export interface AlertStore {
  /** With the figures that alerts are evaluated by. Two commands, as the pulse. */
  look(): Promise<{ figures: Figures; known: KnownAlerts }>
  /** One command. */
  read(): Promise<KnownAlerts>
  /**
   * `due`: ids of notices that are to be told now. False when others have written meanwhile: nothing has happened. Three
   * commands, four with notices.
   */
  write(known: KnownAlerts, state: AlertState, due: string[]): Promise<boolean>
  /** Two round trips, and two more each time that someone else was faster; one more for the audit. */
  change(change: AlertsChange, audit: AuditEntry): Promise<void>
}

const VERSION = "1"
/** Others may change the same at that very moment. */
const ROUNDS = 5
const FIELDS = ["alerts", "alerts:changes"] as const

export function createAlertStore(context: QueueContext): AlertStore {
  const { keys, store, clock } = context
  const read = async () => {
    const [[text, changes]] = await store.query<[[string | null, string | null]]>("alerts", [
      ["HMGET", keys.meta, ...FIELDS],
    ])
    return decodeKnown(text ?? "", changes ?? "")
  }
  return {
    read,
    async look() {
      const { figures, meta } = await readFiguresOfNow(context, FIELDS)
      return { figures, known: decodeKnown(meta.alerts ?? "", meta["alerts:changes"] ?? "") }
    },
    async write(known, state, due) {
      const chores = due.map((noticeId) => `alert|${noticeId}`)
      const args = [clock(), known.text, encode(state), ...chores]
      const [written] = await store.run<[number]>("writeAlerts", [
        { name: "alert", keys: [keys.meta, keys.chores], args },
      ])
      return written === 1
    },
    async change(change, audit) {
      for (let round = 0; round < ROUNDS; round++) {
        const [known] = await store.query<[string | null]>("changeAlerts", [["HGET", keys.meta, FIELDS[1]]])
        const merged = Object.entries({ ...decode<AlertChanges>(known ?? "", {}), ...change })
        const after = encode(Object.fromEntries(merged.filter(([, value]) => value !== null)))
        const [swapped] = await store.run<[number]>("changeAlerts", [
          { name: "swap", keys: [keys.meta], args: [FIELDS[1], known ?? "", after] },
        ])
        if (swapped !== 1) continue
        await store.run("changeAlerts", [noteCall(keys, audit)])
        return
      }
      throw new AppError("conflict", "Others keep changing these rules; look at them and try again.", {
        op: "changeAlerts",
      })
    },
  }
}

function decodeKnown(text: string, changes: string): KnownAlerts {
  return { text, state: decode(text, NO_ALERTS), changes: decode<AlertChanges>(changes, {}) }
}

function encode(value: unknown): string {
  return VERSION + JSON.stringify(value)
}

function decode<Value>(text: string, none: Value): Value {
  if (text === "") return none
  if (!text.startsWith(VERSION)) throw unreadable(`alerts ${text.slice(0, 4)}`)
  return JSON.parse(text.slice(VERSION.length)) as Value
}
