import * as z from "zod/mini"
import type { ProviderLimits } from "./limits.ts"
import type { WeightedTarget } from "./request.ts"

type WireFormat = "openai-chat" | "anthropic-messages"

/** How to reach one provider. */
export interface ProviderSettings {
  name: string
  wireFormat: WireFormat
  /** The part before `/chat/completions`, or before `/v1/messages`. */
  baseUrl: string
  /** null: the endpoint wants none. */
  apiKey: string | null
  /** Served by the simulator; its answers say so. */
  simulated: boolean
}

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
  corsOrigins: string[]
  /** Durable Object lanes; 0: the cron tick drains. */
  drainLanes: number
  /** Virtual time between two requests of an organization; 0: first in, first out. */
  fairShareMs: number
  /** By provider, as set; run-time changes are kept in the store. */
  limits: Record<string, ProviderLimits>
  routes: Record<string, WeightedTarget[]>
}

/** What is wrong with one variable, in words that say what to set. */
export interface ConfigProblem {
  variable: string
  message: string
}

type Env = Record<string, unknown>

const VENDORS: Record<string, { wireFormat: WireFormat; baseUrl: string; simulatorPath: string }> = {
  openai: { wireFormat: "openai-chat", baseUrl: "https://api.openai.com/v1", simulatorPath: "/openai/v1" },
  anthropic: {
    wireFormat: "anthropic-messages",
    baseUrl: "https://api.anthropic.com",
    simulatorPath: "/anthropic",
  },
  deepseek: { wireFormat: "openai-chat", baseUrl: "https://api.deepseek.com", simulatorPath: "/deepseek" },
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
  ANTHROPIC_DEFAULT_MAX_TOKENS: [4096, 1, 1_000_000],
} as const satisfies Record<string, readonly [number, number, number]>

const MIN_ADMIN_KEY_LENGTH = 16
const PLACEHOLDER = /^(change|replace|your|placeholder|example|secret|xxx|todo|<)/i

const CustomProviders = z.array(
  z.strictObject({
    name: z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,31}$/)),
    baseUrl: z.string().check(z.regex(/^https?:\/\/[^\s/]/)),
    wireFormat: z.enum(["openai-chat", "anthropic-messages"]),
    apiKeySecret: z.exactOptional(z.string()),
  }),
)

/**
 * Reads Worker vars and secrets. Problems name the variable and the way out, never its value.
 * `use`: only what serves the HTTP API needs its admin key.
 */
export function parseConfig(
  env: Env,
  use: "api" | "library" = "api",
): { config: Config; problems: [] } | { config: null; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = []
  const text = (variable: string): string => {
    const value = env[variable]
    return typeof value === "string" ? value.trim() : ""
  }
  const number = (variable: keyof typeof NUMBERS): number => {
    const [fallback, least, greatest] = NUMBERS[variable]
    if (text(variable) === "") return fallback
    const value = Number(text(variable))
    if (!Number.isInteger(value) || value < least || value > greatest) {
      problems.push({ variable, message: `must be a whole number from ${least} to ${greatest}` })
    }
    return value
  }
  const url = (variable: string): string => {
    const value = text(variable).replace(/\/+$/, "")
    if (value !== "" && !/^https?:\/\//.test(value)) {
      problems.push({ variable, message: "must be an http(s) URL" })
    }
    return value
  }

  const queueName = text("QUEUE_NAME") || "default"
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(queueName)) {
    problems.push({
      variable: "QUEUE_NAME",
      message: "must be 1 to 64 letters, digits, dots, dashes or underscores",
    })
  }
  const adminApiKey = text("ADMIN_API_KEY")
  if (use === "api" && (adminApiKey.length < MIN_ADMIN_KEY_LENGTH || PLACEHOLDER.test(adminApiKey))) {
    problems.push({
      variable: "ADMIN_API_KEY",
      message: `must be a secret of at least ${MIN_ADMIN_KEY_LENGTH} characters: wrangler secret put ADMIN_API_KEY`,
    })
  }
  const redis = { url: url("UPSTASH_REDIS_REST_URL"), token: text("UPSTASH_REDIS_REST_TOKEN") }
  if (redis.url === "") problems.push({ variable: "UPSTASH_REDIS_REST_URL", message: "is missing" })
  if (redis.token === "") problems.push({ variable: "UPSTASH_REDIS_REST_TOKEN", message: "is missing" })

  const config: Config = {
    queueName,
    adminApiKey,
    redis,
    providers: { ...vendorSettings(text, url, problems), ...customSettings(text, problems) },
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
    corsOrigins: text("CORS_ORIGINS")
      .split(/[\s,]+/)
      .filter(Boolean),
    drainLanes: number("DRAIN_LANES"),
    fairShareMs: number("FAIR_SHARE_MS"),
    limits: {},
    routes: {},
  }
  return problems.length === 0 ? { config, problems: [] } : { config: null, problems }
}

/** The three vendors: with a key or a base URL the real endpoint, else the simulator where it is allowed. */
function vendorSettings(
  text: (variable: string) => string,
  url: (variable: string) => string,
  problems: ConfigProblem[],
): Record<string, ProviderSettings> {
  const simulatorUrl = ["1", "true"].includes(text("ALLOW_SIMULATOR")) ? url("SIMULATOR_URL") : ""
  if (text("ALLOW_SIMULATOR") !== "" && !["0", "1", "true", "false"].includes(text("ALLOW_SIMULATOR"))) {
    problems.push({ variable: "ALLOW_SIMULATOR", message: "must be 1 or 0" })
  }
  const settings: Record<string, ProviderSettings> = {}
  for (const [name, vendor] of Object.entries(VENDORS)) {
    const apiKey = text(`${name.toUpperCase()}_API_KEY`)
    const baseUrl = url(`${name.toUpperCase()}_BASE_URL`)
    const { wireFormat } = vendor
    if (apiKey !== "" || baseUrl !== "") {
      settings[name] = {
        name,
        wireFormat,
        baseUrl: baseUrl || vendor.baseUrl,
        apiKey: apiKey || null,
        simulated: false,
      }
    } else if (simulatorUrl !== "") {
      settings[name] = {
        name,
        wireFormat,
        baseUrl: simulatorUrl + vendor.simulatorPath,
        apiKey: null,
        simulated: true,
      }
    }
  }
  return settings
}

function customSettings(
  text: (variable: string) => string,
  problems: ConfigProblem[],
): Record<string, ProviderSettings> {
  const variable = "CUSTOM_PROVIDERS"
  if (text(variable) === "") return {}
  let parsed: z.infer<typeof CustomProviders>
  try {
    parsed = CustomProviders.parse(JSON.parse(text(variable)))
  } catch {
    const shape =
      '[{"name": "groq", "baseUrl": "https://…", "wireFormat": "openai-chat", "apiKeySecret": "GROQ_API_KEY"}]'
    problems.push({ variable, message: `must be JSON of the shape ${shape}` })
    return {}
  }
  const settings: Record<string, ProviderSettings> = {}
  for (const { name, baseUrl, wireFormat, apiKeySecret } of parsed) {
    if (name in VENDORS || name in settings || name === "auto") {
      problems.push({ variable, message: `uses the name "${name}" a second time, or a reserved one` })
    }
    if (apiKeySecret !== undefined && text(apiKeySecret) === "") {
      problems.push({ variable, message: `names the secret ${apiKeySecret}, which is not set` })
    }
    const apiKey = apiKeySecret === undefined ? null : text(apiKeySecret)
    settings[name] = { name, wireFormat, baseUrl: baseUrl.replace(/\/+$/, ""), apiKey, simulated: false }
  }
  return settings
}
