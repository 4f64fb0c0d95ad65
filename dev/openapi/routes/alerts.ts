import * as z from "zod"
import type { AlertsView } from "../../../src/core/alerts.ts"
import { ALERT_RULES } from "../../../src/core/alerts.ts"
import { AlertsBody } from "../../../src/core/contracts/alerts.ts"
import { deliveryError } from "../answers.ts"
import { described, named } from "../components.ts"
import type { Routes } from "../operation.ts"
import { count, instant } from "../requests-answers.ts"

const json = "application/json"
const tag = "Queue"
const text = z.string()
const rule = z.enum(ALERT_RULES)
const of = { rule, provider: text.nullable().describe("null: it concerns the whole queue.") }

const whole = z.int()
const Rules = z.strictObject({
  backlog_age: z.strictObject({ seconds: whole }).exactOptional(),
  failure_rate: z.strictObject({ percent: whole, attempts: whole }).exactOptional(),
  breaker_open: z.record(text, z.never()).exactOptional(),
  no_drain: z.strictObject({ seconds: whole }).exactOptional(),
  command_budget: z.strictObject({ percent: whole }).exactOptional(),
})

const Alerts: z.ZodType<AlertsView> = named(
  "Alerts",
  z.strictObject({
    url: text.nullable().describe("Without its query, which may hold a token; null: nobody is told."),
    rules: Rules.describe("In force; a rule that is not there does not ring."),
    remindHours: whole,
    changed: z.array(text).describe("What was changed at run time."),
    firing: z.array(
      z.strictObject({
        ...{ alertId: text, ...of, severity: z.enum(["critical", "warning", "info"]) },
        ...{ since: instant, firedAt: instant, text, remedy: text },
      }),
    ),
    recovered: z
      .array(
        z.strictObject({
          ...{ alertId: text, ...of, since: instant, firedAt: instant, recoveredAt: instant, text },
        }),
      )
      .describe("The latest 20."),
    notices: z
      .array(
        z.strictObject({
          noticeId: text.describe("Also the `webhook-id`: the same for every try."),
          type: z.enum(["alert.firing", "alert.recovered", "alert.test"]),
          ...{ rule: rule.nullable(), provider: text.nullable(), at: instant },
          state: z.enum(["pending", "failed", "delivered", "exhausted"]),
          ...{ tries: count, nextAttemptAt: instant.nullable() },
          ...{ status: whole.nullable(), error: deliveryError.nullable() },
        }),
      )
      .describe("What was told, or is to be; the latest first."),
  }),
)
const Noticed = named("AlertTest", z.strictObject({ noticeId: text }))

const AlertsChange = named(
  "AlertsChange",
  described(AlertsBody, {
    url: "Public and https. Absent: stays; null: as `ALERTS` says.",
    rules: "All rules that are to ring; `{}`: none; null: as `ALERTS` says.",
    remindHours: "After so long that it still holds is told again; 0: never; null: as `ALERTS` says.",
  }),
)

export const alertRoutes: Routes = {
  "/v1/alerts": {
    get: {
      operationId: "getAlerts",
      summary: "Tells what has rung, and by which rules",
      description: "Needs a key for all organizations.",
      tag,
      scope: "read",
      answers: { 200: { description: "Alerts, notices and rules.", content: { [json]: Alerts } } },
    },
    patch: {
      operationId: "changeAlerts",
      summary: "Changes rules, URL and reminders of alerts",
      description: "409 where `ALERTS` is not set, for then nobody looks.",
      tag,
      scope: "admin",
      body: {
        schema: AlertsChange,
        examples: {
          rules: {
            summary: "Two rules, and no other",
            value: { rules: { no_drain: { seconds: 300 }, breaker_open: {} } },
          },
          back: { summary: "As `ALERTS` says", value: { url: null, rules: null, remindHours: null } },
        },
      },
      answers: { 200: { description: "Alerts as they are now.", content: { [json]: Alerts } } },
      refusals: [409],
    },
  },
  "/v1/alerts/test": {
    post: {
      operationId: "testAlerts",
      summary: "Sends a notice that says it is a test",
      description: "Of the type `alert.test`; `GET /v1/alerts` tells what became of it. 409 without a URL.",
      tag,
      scope: "admin",
      answers: { 202: { description: "It is on its way.", content: { [json]: Noticed } } },
      refusals: [409],
    },
  },
}
