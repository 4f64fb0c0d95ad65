import * as z from "zod"
import type {
  History as HistoryShape,
  Pulse as Shape,
  Percentiles as Shares,
  Trouble as TroubleShape,
} from "../../src/core/pulse.ts"
import { nowFigures, Percentiles } from "./answers.ts"
import { named } from "./components.ts"
import { count, instant } from "./requests-answers.ts"

const text = z.string()
const levels = z.strictObject({ critical: count, high: count, normal: count, low: count })
const limit = z.int().nullable()
const limits = { concurrency: limit, rpm: limit, tpm: limit }
const percentiles: z.ZodType<Shares> = Percentiles

const Trouble: z.ZodType<TroubleShape> = named(
  "Trouble",
  z.strictObject({
    code: z.enum([
      ...["no_drain", "provider_account", "breaker_open", "provider_blocked", "provider_paused"],
      ...["queue_paused", "backlog_age", "failure_rate", "command_budget"],
    ] as [TroubleShape["code"]]),
    severity: z.enum(["critical", "warning", "info"]).describe("`info`: somebody wants it so."),
    provider: text.nullable().describe("null: it concerns the whole queue."),
    since: instant.nullable().describe("When it began, where that is known."),
    text: text.describe("What is wrong, and the cause."),
    remedy: text.describe("What to do."),
  }),
)

export const Pulse: z.ZodType<Shape> = named(
  "Pulse",
  z.strictObject({
    at: instant,
    troubles: z.array(Trouble).describe("The most urgent first; none: all is well."),
    counts: z.strictObject({ scheduled: count, pending: count, processing: count }),
    pendingByLine: z.record(text, levels),
    backlogSince: instant.nullable().describe("null: there is none."),
    stalledLines: z.array(text).describe("Requests wait there, and none has started for minutes."),
    lastClaimAt: instant.nullable().describe("By a lane, a worker, or a tick that drains."),
    paused: z.boolean().describe("The whole queue."),
    waitMs: percentiles.describe("From due to the first call, over 15 minutes."),
    providerMs: z.record(text, percentiles).describe("By provider, of completed attempts, over 15 minutes."),
    attempts: z
      .record(text, z.record(text, count))
      .describe("By provider, over 15 minutes: `completed`, and codes of errors."),
    providers: z.record(
      text,
      z.strictObject({
        breaker: z.enum(["closed", "open", "half_open"]),
        cause: z.enum(["trouble", "account"]).nullable().describe("Why the breaker is not closed."),
        troubledSince: instant
          .nullable()
          .describe("Since when at the latest the breaker has not been closed."),
        blockedUntil: instant.nullable().describe("Until then no call starts."),
        paused: z.boolean(),
        ...limits,
        models: z.record(text, z.strictObject(limits)),
      }),
    ),
    ...nowFigures,
  }),
)

export const History: z.ZodType<HistoryShape> = named(
  "History",
  z.strictObject({
    ...{ from: instant, to: instant, stepMs: count },
    points: z
      .array(
        z.strictObject({
          at: instant.describe("When the span began."),
          ...{ enqueued: count, completed: count, failed: count, retried: count, cancelled: count },
          waitMs: percentiles.describe("From due to the first call."),
          providerMs: z.record(text, percentiles).describe("By provider, of completed attempts."),
          attempts: z
            .record(text, z.record(text, count))
            .describe("By provider: `completed`, `cancelled`, and codes of errors."),
          pending: z
            .record(text, levels)
            .describe("By line, at the end of the span; of lines that have some."),
          commands: count.describe("Of Redis, as they are billed."),
        }),
      )
      .describe("Oldest first. A span in which nothing happened has none."),
  }),
)
