import * as z from "zod/mini"
import { whole } from "./whole.ts"

const LONGEST_SECONDS = 604_800

const Rules = z.strictObject({
  backlog_age: z.exactOptional(z.strictObject({ seconds: z._default(whole(60, LONGEST_SECONDS), 600) })),
  failure_rate: z.exactOptional(
    z.strictObject({
      percent: z._default(whole(1, 100), 25),
      attempts: z._default(whole(1, 1_000_000), 20),
    }),
  ),
  breaker_open: z.exactOptional(z.strictObject({})),
  no_drain: z.exactOptional(z.strictObject({ seconds: z._default(whole(120, LONGEST_SECONDS), 180) })),
  command_budget: z.exactOptional(z.strictObject({ percent: z._default(whole(1, 1000), 80) })),
})
const url = z.string().check(z.minLength(1), z.maxLength(2048))
const remindHours = whole(0, 168)

/** What the setting `ALERTS` holds. Whether its URL may be called, `callbackProblems` tells. */
export const AlertsSetting = z.strictObject({
  url: z.exactOptional(url),
  rules: z._default(Rules, {}),
  remindHours: z._default(remindHours, 4),
})

/** The body of `PATCH /v1/alerts`. */
export const AlertsBody = z.strictObject({
  url: z.exactOptional(z.nullable(url)),
  rules: z.exactOptional(z.nullable(Rules)),
  remindHours: z.exactOptional(z.nullable(remindHours)),
})
