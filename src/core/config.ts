import type { AlertSettings } from "./alerts.ts"
import { readAlerts } from "./config-alerts.ts"
import { readLimits } from "./config-limits.ts"
import { readModels } from "./config-models.ts"
import { type ProviderSettings, readProviders } from "./config-providers.ts"
import { readRoutes } from "./config-routes.ts"
import { readOthersTracing, readTracing, type TracingSettings } from "./config-tracing.ts"
import { type ConfigProblem, readVariables } from "./config-variables.ts"
import { readWebhooks } from "./config-webhooks.ts"
import type { ProviderLimits } from "./limits.ts"
import type { Target, WeightedTarget } from "./request.ts"

export type { ConfigProblem, ProviderSettings }

/** Every setting, parsed once. Durations in ms unless the name says otherwise. */
export interface Config {
  queueName: string
  adminApiKey: string
  redis: { url: string; token: string }
  providers: Record<string, ProviderSettings>
  anthropicDefaultMaxTokens: number
  anthropicVersion: string
  /** Provider calls in flight in one drain. */
  drainConcurrency: number
  subrequestLimit: number
  requestTimeoutMs: number
  maxProcessingTimeMs: number
  maxRetries: number
  retryBaseMs: number
  retryCapMs: number
  retryPenaltyMs: number
  resultTtlSeconds: number
  deadLetterTtlSeconds: number
  maxResultBytes: number
  maxRequestBytes: number
  maxPending: number
  maxPendingPerOrganization: number
  maxPendingAgeSeconds: number
  /** Of one file. */
  maxFileBytes: number
  /** Of all files of one organization, unfinished ones included. */
  maxFileBytesPerOrganization: number
  corsOrigins: string[]
  /** Durable Object lanes; 0: the cron tick drains. */
  drainLanes: number
  /** Virtual time between two requests of an organization; 0: first in, first out. */
  fairShareMs: number
  /** Redis commands that the queue should not exceed, per UTC day; null: it is not watched. */
  commandBudget: number | null
  /** By provider, as set; run-time changes are kept in the store. */
  limits: Record<string, ProviderLimits>
  routes: Record<string, WeightedTarget[]>
  /** Names that the vendors' own routes know beside the models'; a route has the provider `auto`. */
  models: Record<string, Target>
  /** Webhooks may go to private hosts, and over http: to try things out. */
  webhookAllowPrivate: boolean
  /** DNS over HTTPS, which tells where a webhook's host leads; empty: it is not asked. */
  webhookResolver: string
  /** null: nothing is evaluated. Run-time changes are kept in the store. */
  alerts: AlertSettings | null
  tracing: TracingSettings
}

/** variable → default, least, greatest. A default stands here because `docs/operations.md` says why. */
const NUMBERS = {
  DRAIN_CONCURRENCY: [50, 1, 1000],
  DRAIN_LANES: [4, 0, 64],
  SUBREQUEST_LIMIT: [50, 20, 1_000_000],
  REQUEST_TIMEOUT_MS: [30_000, 1000, 600_000],
  MAX_PROCESSING_TIME_MS: [60_000, 1000, 900_000],
  MAX_RETRIES: [3, 0, 10],
  RETRY_BASE_MS: [1000, 1, 3_600_000],
  RETRY_CAP_MS: [60_000, 1, 86_400_000],
  RETRY_PENALTY_MS: [60_000, 0, 800_000],
  FAIR_SHARE_MS: [4, 0, 1000],
  RESULT_TTL_SECONDS: [86_400, 60, 2_592_000],
  DEAD_LETTER_TTL_SECONDS: [1_209_600, 60, 7_776_000],
  MAX_RESULT_BYTES: [4_194_304, 1024, 4_900_000],
  MAX_REQUEST_BYTES: [1_048_576, 1024, 8_000_000],
  MAX_PENDING: [500_000, 1, 10_000_000],
  MAX_PENDING_PER_ORGANIZATION: [100_000, 1, 10_000_000],
  MAX_PENDING_AGE_SECONDS: [604_800, 60, 7_776_000],
  MAX_FILE_BYTES: [209_715_200, 1024, 536_870_912],
  MAX_FILE_BYTES_PER_ORGANIZATION: [4_294_967_296, 1024, 1_099_511_627_776],
  REDIS_COMMAND_BUDGET: [0, 0, 1_000_000_000_000],
  ANTHROPIC_DEFAULT_MAX_TOKENS: [4096, 1, 1_000_000],
} as const satisfies Record<string, readonly [number, number, number]>

const MIN_ADMIN_KEY_LENGTH = 16
const PLACEHOLDER = /^(change|replace|your|placeholder|example|secret|xxx|todo|<)/i

/**
 * Reads Worker vars and secrets. Problems name the variable and the way out, never its value.
 * `use`: only what serves the HTTP API needs its admin key.
 */
export function parseConfig(
  env: Record<string, unknown>,
  use: "api" | "library" = "api",
): { config: Config; problems: [] } | { config: null; problems: ConfigProblem[] } {
  const variables = readVariables(env)
  const { text, url, note, problems } = variables
  const number = (variable: keyof typeof NUMBERS) => variables.number(variable, NUMBERS[variable])

  const queueName = text("QUEUE_NAME") || "default"
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(queueName)) {
    note("QUEUE_NAME", "must be 1 to 64 letters, digits, dots, dashes or underscores")
  }
  const adminApiKey = text("ADMIN_API_KEY")
  if (use === "api" && (adminApiKey.length < MIN_ADMIN_KEY_LENGTH || PLACEHOLDER.test(adminApiKey))) {
    const rule = `must be a secret of at least ${MIN_ADMIN_KEY_LENGTH} characters`
    note("ADMIN_API_KEY", `${rule}: wrangler secret put ADMIN_API_KEY`)
  }
  const redis = { url: url("UPSTASH_REDIS_REST_URL"), token: text("UPSTASH_REDIS_REST_TOKEN") }
  if (redis.url === "") note("UPSTASH_REDIS_REST_URL", "is missing")
  if (redis.token === "") note("UPSTASH_REDIS_REST_TOKEN", "is missing")

  const providers = readProviders(variables)
  const routes = readRoutes(variables, providers)
  const webhooks = readWebhooks(variables)
  const config: Config = {
    queueName,
    adminApiKey,
    redis,
    providers,
    anthropicDefaultMaxTokens: number("ANTHROPIC_DEFAULT_MAX_TOKENS"),
    anthropicVersion: text("ANTHROPIC_VERSION") || "2023-06-01",
    drainConcurrency: number("DRAIN_CONCURRENCY"),
    subrequestLimit: number("SUBREQUEST_LIMIT"),
    requestTimeoutMs: number("REQUEST_TIMEOUT_MS"),
    maxProcessingTimeMs: number("MAX_PROCESSING_TIME_MS"),
    maxRetries: number("MAX_RETRIES"),
    retryBaseMs: number("RETRY_BASE_MS"),
    retryCapMs: number("RETRY_CAP_MS"),
    retryPenaltyMs: number("RETRY_PENALTY_MS"),
    resultTtlSeconds: number("RESULT_TTL_SECONDS"),
    deadLetterTtlSeconds: number("DEAD_LETTER_TTL_SECONDS"),
    maxResultBytes: number("MAX_RESULT_BYTES"),
    maxRequestBytes: number("MAX_REQUEST_BYTES"),
    maxPending: number("MAX_PENDING"),
    maxPendingPerOrganization: number("MAX_PENDING_PER_ORGANIZATION"),
    maxPendingAgeSeconds: number("MAX_PENDING_AGE_SECONDS"),
    maxFileBytes: number("MAX_FILE_BYTES"),
    maxFileBytesPerOrganization: number("MAX_FILE_BYTES_PER_ORGANIZATION"),
    corsOrigins: text("CORS_ORIGINS")
      .split(/[\s,]+/)
      .filter(Boolean),
    drainLanes: number("DRAIN_LANES"),
    fairShareMs: number("FAIR_SHARE_MS"),
    commandBudget: number("REDIS_COMMAND_BUDGET") || null,
    limits: readLimits(variables, providers),
    routes,
    models: readModels(variables, { providers, routes }),
    ...webhooks,
    alerts: readAlerts(variables, webhooks),
    ...(use === "api" ? readTracing(variables) : readOthersTracing(readVariables(env))),
  }
  return problems.length === 0 ? { config, problems: [] } : { config: null, problems }
}
