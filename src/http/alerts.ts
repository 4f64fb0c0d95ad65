import { requireEveryOrganization } from "../auth/principal.ts"
import { AlertsBody } from "../core/contracts/alerts.ts"
import { callbackProblems } from "../core/contracts/callback.ts"
import { check, invalid, problem } from "../core/contracts/problem.ts"
import { auditEntry } from "./audit.ts"
import { readJson } from "./body.ts"
import type { App, AppContext } from "./context.ts"
import { afterAnswer, resource, servicesOf } from "./resource.ts"
import { MAX_SMALL_BYTES } from "./sizes.ts"

/** What has rung, and by which rules; they can be changed while the queue runs. */
export function mountAlerts(app: App): void {
  resource(app, "/v1/alerts", {
    GET: { scope: "read", handle: readAlerts },
    PATCH: { scope: "admin", handle: changeAlerts },
  })
  resource(app, "/v1/alerts/test", { POST: { scope: "admin", handle: testAlerts } })
}

async function readAlerts(c: AppContext): Promise<Response> {
  requireEveryOrganization(c.get("principal"))
  return c.json(await servicesOf(c).alerts.read())
}

async function changeAlerts(c: AppContext): Promise<Response> {
  const { alerts, config } = servicesOf(c)
  const { value } = await readJson(c, MAX_SMALL_BYTES)
  const read = check(AlertsBody, value)
  const problems = [...read.problems, ...callbackProblems(value, config, [])]
  if (read.value === null || problems.length > 0) throw invalid("The body", problems)
  if (Object.keys(read.value).length === 0) {
    throw invalid("The body", [problem([], "changes nothing: set url, rules or remindHours")])
  }
  return c.json(await alerts.change(read.value, auditEntry(c, "alerts.changed", null)))
}

async function testAlerts(c: AppContext): Promise<Response> {
  const { alerts, lanes } = servicesOf(c)
  const noticeId = await alerts.test()
  afterAnswer(c, lanes.wakeChores())
  return c.json({ noticeId }, 202)
}
