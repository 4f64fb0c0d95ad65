import type { AlertSettings } from "./alerts.ts"
import type { Variables } from "./config-variables.ts"
import { AlertsSetting } from "./contracts/alerts.ts"
import { callbackProblems } from "./contracts/callback.ts"

const VARIABLE = "ALERTS"
const EXAMPLE =
  '{"url": "https://example.com/alerts", "rules": {"no_drain": {"seconds": 180}, "breaker_open": {}}, "remindHours": 4}'

/** null: nothing is evaluated, whatever is changed at run time. */
export function readAlerts(
  { json, note }: Variables,
  config: { webhookAllowPrivate: boolean },
): AlertSettings | null {
  const given = json(VARIABLE, AlertsSetting, EXAMPLE)
  if (given === null) return null
  for (const { path, message } of callbackProblems(given, config, [])) note(VARIABLE, `${path} ${message}`)
  return { ...given, url: given.url ?? null }
}
