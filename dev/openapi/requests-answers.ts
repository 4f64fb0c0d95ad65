import * as z from "zod"
import { Message } from "../../src/core/contracts/messages.ts"
import { type AttemptRecord, ERROR_CODES, type RequestError } from "../../src/core/outcome.ts"
import {
  CALLBACK_EVENTS,
  type Callback,
  PRIORITIES,
  STATES,
  type Target,
  type Usage,
} from "../../src/core/request.ts"
import type { SweepPage } from "../../src/core/sweep.ts"
import type { EnqueuedRequest } from "../../src/http/enqueue.ts"
import type { StatusReply } from "../../src/queue/contract.ts"
import { named } from "./components.ts"

// What is answered about requests. Strict, so that whatever is added to an answer must be added here.

export const count = z.int().min(0)
export const instant = z.int().describe("Epoch, ms.")
const text = z.string()
export const requestId = z.string().regex(/^req_[0-9a-hjkmnp-tv-z]{23}$/)

const priority = z.enum(PRIORITIES)
const state = named("State", z.enum(STATES))

const OneTarget: z.ZodType<Target> = named("Target", z.strictObject({ provider: text, model: text }))

export const ChatMessage = named("ChatMessage", Message)

const ErrorOfRequest: z.ZodType<RequestError> = named(
  "RequestError",
  z.strictObject({
    code: z.enum(ERROR_CODES),
    message: text,
    retryable: z.boolean(),
    status: z.int().nullable().describe("The provider's HTTP status, where there was an answer."),
  }),
)

const Attempt: z.ZodType<AttemptRecord> = named(
  "Attempt",
  z.strictObject({
    number: z.int().min(1),
    provider: text,
    model: text,
    startedAt: instant,
    finishedAt: instant,
    result: z.enum(["completed", "retry", "failed", "cancelled", "lease_expired"]),
    error: ErrorOfRequest.nullable(),
    status: z.int().nullable(),
    providerRequestId: text.nullable(),
    possiblyBilled: z.boolean().describe("It may have been charged for although no answer was kept."),
  }),
)

const UsageOfRequest: z.ZodType<Usage> = named(
  "Usage",
  z
    .strictObject({
      inputTokens: count,
      cachedInputTokens: count,
      cacheWriteInputTokens: count,
      outputTokens: count,
      reasoningTokens: count,
    })
    .describe("`inputTokens` includes cached ones and cache writes, `outputTokens` includes reasoning."),
)

const ChatCompletion = named(
  "ChatCompletion",
  z
    .looseObject({
      id: text,
      object: z.literal("chat.completion"),
      created: z.int(),
      model: text,
      choices: z.array(
        z.looseObject({
          index: count,
          message: z.looseObject({ role: z.literal("assistant"), content: text.nullable() }),
          finish_reason: z.enum(["stop", "length", "tool_calls", "content_filter"]),
        }),
      ),
      usage: z.looseObject({ prompt_tokens: count, completion_tokens: count, total_tokens: count }),
    })
    .describe("Every answer has this shape, whatever the vendor."),
)

const CallbackOfRequest: z.ZodType<Callback> = named(
  "Callback",
  z.strictObject({ url: text, events: z.array(z.enum(CALLBACK_EVENTS)), includeResponse: z.boolean() }),
)

const shown = {
  requestId,
  provider: text.describe("As asked: `auto` with a route as model, else a provider."),
  model: text,
  fallbacks: z.array(OneTarget),
  priority,
  organizationId: text,
  createdAt: instant,
  scheduledAt: instant.nullable().describe("When it is due next, also while it backs off; null: at once."),
  deadlineAt: instant.nullable(),
  timeoutMs: count,
  maxRetries: count,
  resultTtlSeconds: count,
  metadata: z.record(text, text),
  callback: CallbackOfRequest.nullable(),
  batchId: text.nullable().describe("The batch that it is a line of."),
  simulated: z.boolean().describe("Served by the simulator instead of a vendor."),
  state,
  position: z.int().min(1).nullable().describe("Its place in its line; null unless pending."),
  estimatedStartAt: z.strictObject({ p50: instant, p90: instant }).nullable(),
  replays: count,
  startedAt: instant.nullable().describe("The latest attempt's start."),
  finishedAt: instant.nullable(),
  attempts: z.array(Attempt),
  usage: UsageOfRequest.nullable(),
  costUsd: z.number().nullable(),
  error: ErrorOfRequest.nullable().describe("The last attempt's, also while it waits for the next."),
}

const ListedRequest = named("ListedRequest", z.strictObject(shown))

export const Request = named(
  "Request",
  z.strictObject({
    ...shown,
    response: ChatCompletion.nullable(),
    messages: z.array(ChatMessage).nullable().optional().describe("With `include=messages`, while kept."),
  }),
)
/** The compiler finds what the answer has and this does not. */
Request satisfies z.ZodType<{ [Member in keyof StatusReply]: unknown }>

export const StatusEvent = named(
  "StatusEvent",
  z.strictObject({
    requestId,
    state: shown.state,
    position: shown.position,
    estimatedStartAt: shown.estimatedStartAt,
    scheduledAt: shown.scheduledAt,
    startedAt: shown.startedAt,
    error: shown.error,
    attempt: count.describe("The number of the latest; 0: there was none."),
  }),
)
export const TextEvent = named(
  "TextEvent",
  z.strictObject({
    attempt: z.int().min(1),
    offset: count.describe("Bytes of UTF-8 before it."),
    text,
  }),
)

export const RequestPage = named(
  "RequestPage",
  z.strictObject({ data: z.array(ListedRequest), nextCursor: text.nullable() }),
)

export const Accepted: z.ZodType<EnqueuedRequest> = named(
  "AcceptedRequest",
  z.strictObject({
    requestId,
    state,
    position: z.int().min(1).nullable().describe("null unless pending, and but for a bulk's first and last."),
    priority,
    provider: text,
    model: text,
    createdAt: instant,
  }),
)

export const AcceptedBulk = named(
  "AcceptedBulk",
  z.strictObject({ requests: z.array(Accepted).describe("In the order of the body.") }),
)

export const Cancelled = named(
  "Cancelled",
  z.strictObject({
    requestId,
    state: z.enum(["cancelled", "failed"]),
    discarded: z.literal(true).optional().describe("It was a dead letter, which is gone now."),
  }),
)

export const Swept: z.ZodType<SweepPage> = named(
  "Swept",
  z.strictObject({
    matched: count.describe("The filter held for so many of those that were looked at."),
    done: count,
    skipped: count.describe("No longer in that state when it came to them."),
    groups: z
      .array(
        z.strictObject({
          provider: text,
          errorCode: z.enum(ERROR_CODES).nullable().describe("null: it has not failed."),
          count,
        }),
      )
      .describe("Of those that match, the largest group first."),
    examined: count.describe("How many were looked at."),
    nextCursor: text.nullable().describe("Where to go on; null: all have been looked at."),
  }),
)
