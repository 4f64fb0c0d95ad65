import * as z from "zod"
import type { Principal } from "../../src/auth/principal.ts"
import type { AuditEntry } from "../../src/core/audit.ts"
import { SCOPES, type StoredKey } from "../../src/core/contracts/access.ts"
import { DELIVERY_STATES, type Delivery } from "../../src/core/delivery.ts"
import { CALLBACK_EVENTS, PRIORITIES } from "../../src/core/request.ts"
import type { TenantStats } from "../../src/http/stats.ts"
import type { ProviderDetails, QueueHealth, QueueStats } from "../../src/queue/figures-contract.ts"
import type { WebhookSecret } from "../../src/queue/webhook-secrets.ts"
import { named } from "./components.ts"
import { count, instant, Request, requestId } from "./requests-answers.ts"

// What else is answered in our own words.

const text = z.string()
const counts = z.strictObject({
  ...{ scheduled: count, pending: count, processing: count },
  ...{ completed: count, failed: count, cancelled: count },
})
export const Percentiles = named(
  "Percentiles",
  z.strictObject({ p50: z.number().nullable(), p95: z.number().nullable(), p99: z.number().nullable() }),
)
/** What statistics and the pulse both tell. */
export const nowFigures = {
  throughput: z.strictObject({
    enqueuedLastMinute: count,
    completedLastMinute: count,
    failedLastMinute: count,
    retriedLastMinute: count,
  }),
  lanes: z.array(
    z.strictObject({
      name: text,
      lastClaimAt: instant,
      ...{ completed: count, failed: count, retried: count, errors: count },
      lastError: text.nullable(),
    }),
  ),
  commands: z
    .strictObject({ today: count, yesterday: count, lastMinute: count, budget: count.nullable() })
    .describe("Redis commands that the queue has spent, by UTC day. `budget`: `REDIS_COMMAND_BUDGET`."),
}
const providerState = {
  inFlight: count,
  blockedUntil: instant.nullable(),
  breaker: z.enum(["closed", "open", "half_open"]),
  paused: z.boolean(),
}

const AllStats: z.ZodType<QueueStats> = named(
  "QueueStats",
  z.strictObject({
    counts,
    pendingByPriority: z.strictObject({ critical: count, high: count, normal: count, low: count }),
    pendingByProvider: z.record(text, count),
    oldestPendingAgeMs: z.number().nullable(),
    waitMs: Percentiles,
    providerMs: Percentiles,
    providers: z.record(text, z.strictObject(providerState)),
    ...nowFigures,
  }),
)
const OwnStats: z.ZodType<TenantStats> = named(
  "TenantStats",
  z.strictObject({
    counts,
    partial: z.boolean().describe("There are older requests that were not counted."),
  }),
)
export const Stats = named("Stats", z.union([AllStats, OwnStats]))

export const Health = named(
  "Health",
  z
    .strictObject({
      status: z.enum(["ok", "degraded", "down"]),
      store: z.strictObject({ ok: z.boolean(), latencyMs: z.number().nullable() }).optional(),
      drain: z.strictObject({ lastRunAt: instant.nullable(), ageMs: z.number().nullable() }).optional(),
      backlog: count.optional(),
      unservedLines: z.array(text).optional(),
      troubled: z.array(text).optional(),
      version: text.optional(),
    })
    .describe("All but `status` is for a `*` key with the scope `admin`."),
)
Health satisfies z.ZodType<{ [Member in keyof QueueHealth]?: unknown }>

const removed = counts.pick({ completed: true, failed: true, cancelled: true })
export const CleanedUp = named("CleanedUp", z.strictObject({ removed }))
export const Paused = named("Paused", z.strictObject({ name: text, paused: z.boolean() }))
export const Weight = named("Weight", z.strictObject({ organizationId: text, weight: z.number() }))

const limit = z.int().nullable()
const limits = { concurrency: limit, rpm: limit, tpm: limit }
export const Provider = named(
  "Provider",
  z.strictObject({
    name: text,
    ...providerState,
    ...limits,
    models: z.record(text, z.strictObject(limits)),
    cause: z.enum(["trouble", "account"]).nullable().describe("Why the breaker is not closed."),
    pending: count,
    wireFormat: z.enum(["openai-chat", "anthropic-messages"]),
    simulated: z.boolean(),
  }),
)
Provider satisfies z.ZodType<ProviderDetails>
export const Providers = named("Providers", z.strictObject({ data: z.array(Provider) }))

const shownKey = {
  keyId: text,
  name: text,
  organizationId: text,
  scopes: z.array(z.enum(SCOPES)),
  createdAt: instant,
  expiresAt: instant.nullable(),
  maxPriority: z.enum(PRIORITIES).nullable(),
  ratePerMinute: z.int().nullable(),
}
const ShownKey: z.ZodType<Omit<StoredKey, "sha256">> = named("Key", z.strictObject(shownKey))
export const IssuedKey = named(
  "IssuedKey",
  z.strictObject({ ...shownKey, key: text.regex(/^aiq_/).describe("Told this once.") }),
)
export const Self: z.ZodType<Principal> = named(
  "Self",
  z.strictObject({
    ...{ keyId: text, organizationId: text, scopes: z.array(z.enum(SCOPES)) },
    ...{ maxPriority: z.enum(PRIORITIES).nullable(), ratePerMinute: z.int().nullable() },
  }),
)
export const Keys = named("Keys", z.strictObject({ data: z.array(ShownKey) }))

const AuditRecord: z.ZodType<AuditEntry> = named(
  "AuditEntry",
  z.strictObject({
    at: instant,
    action: text,
    keyId: text.nullable(),
    organizationId: text.nullable(),
    target: text.nullable(),
    ip: text.nullable(),
  }),
)
export const AuditPage = named(
  "AuditPage",
  z.strictObject({ data: z.array(AuditRecord), nextCursor: text.nullable() }),
)

const shownSecret = { secretId: text, organizationId: text, createdAt: instant }
const ShownSecret: z.ZodType<Omit<WebhookSecret, "secret">> = named(
  "WebhookSecret",
  z.strictObject({ ...shownSecret, expiresAt: instant.nullable() }),
)
export const IssuedSecret = named(
  "IssuedWebhookSecret",
  z.strictObject({ ...shownSecret, secret: text.regex(/^whsec_/).describe("Told this once.") }),
)
export const Secrets = named("WebhookSecrets", z.strictObject({ data: z.array(ShownSecret) }))

export const deliveryError = z.enum([
  ...(["status", "redirect", "gone", "timeout", "network", "private_address", "not_resolved"] as const),
])
export const OneDelivery: z.ZodType<Delivery> = named(
  "Delivery",
  z.strictObject({
    deliveryId: text.describe("Also the `webhook-id`: the same for every try."),
    requestId,
    organizationId: text,
    type: z.enum(CALLBACK_EVENTS),
    url: text.describe("Without its query, which may hold a token."),
    state: z.enum(DELIVERY_STATES),
    attempts: z.array(
      z.strictObject({
        at: instant,
        status: z.int().nullable(),
        durationMs: z.number(),
        error: deliveryError.nullable(),
      }),
    ),
    nextAttemptAt: instant.nullable(),
    createdAt: instant,
  }),
)
export const DeliveryPage = named(
  "DeliveryPage",
  z.strictObject({ data: z.array(OneDelivery), nextCursor: text.nullable() }),
)

const success = z.literal(true)
export const ActionAccepted = named(
  "ActionAccepted",
  z.strictObject({ success, requestId, state: text, position: z.int().nullable() }),
)
export const ActionAnswer = named(
  "ActionAnswer",
  z.union([
    z.strictObject({ success, stats: Stats }),
    z.strictObject({ success, request: Request }),
    z.strictObject({ success, removed }),
  ]),
)
export const ActionCancelled = named(
  "ActionCancelled",
  z.strictObject({
    success,
    state: z.enum(["cancelled", "failed"]),
    discarded: z.literal(true).optional(),
  }),
)
