import { type Config, type ConfigProblem, parseConfig } from "./config.ts"
import { AppError } from "./errors.ts"

/** A setting is missing or wrong. `problems` names each variable and says what to set, never its value. */
export class SettingsError extends AppError {
  override readonly name = "SettingsError"
  readonly problems: ConfigProblem[]

  constructor(problems: ConfigProblem[]) {
    super("not_configured", problems.map(({ variable, message }) => `${variable} ${message}`).join("; "))
    this.problems = problems
  }
}

/** Any Upstash REST endpoint. */
export interface RedisAddress {
  url: string
  token: string
}

/** A client of `@upstash/redis`, for any platform: only its address is used, with retries and timeouts of our own. */
export interface UpstashClient {
  pipeline: () => unknown
  multi: () => unknown
}

export interface AIRequestQueueOptions {
  /** Where the queue is stored. Default: `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN`. */
  redis?: RedisAddress | UpstashClient
  /** Default: `QUEUE_NAME`, or else `default`. */
  queueName?: string
  /** Settings under the Worker's names. They win over `process.env`, which is read where there is one. */
  env?: Record<string, unknown>
  /** How this process signs its leases, as lanes and ticks do: 1 to 32 letters, digits or dashes. Default: `app`. */
  name?: string
}

/** The arguments that stand for a variable, for whoever reads what is wrong with them. */
const ARGUMENTS: Record<string, string> = {
  UPSTASH_REDIS_REST_URL: "redis.url",
  UPSTASH_REDIS_REST_TOKEN: "redis.token",
  QUEUE_NAME: "queueName",
  DRAIN_CONCURRENCY: "concurrency",
  MAX_PROCESSING_TIME_MS: "maxProcessingTime",
}

/** `more`: variables that other arguments stand for; undefined where there is none. Throws `SettingsError`. */
export function readSettings(
  { redis, queueName, env, name = "app" }: AIRequestQueueOptions,
  more: Record<string, unknown> = {},
): { config: Config; name: string } {
  if (!/^[A-Za-z0-9-]{1,32}$/.test(name)) {
    throw new SettingsError([{ variable: "name", message: "must be 1 to 32 letters, digits or dashes" }])
  }
  const { process } = globalThis as { process?: { env?: Record<string, unknown> } }
  const given: Record<string, unknown> = {
    ...(redis === undefined ? {} : addressVariables(redis)),
    ...(queueName === undefined ? {} : { QUEUE_NAME: queueName }),
    ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined)),
  }
  const { config, problems } = parseConfig({ ...process?.env, ...env, ...given }, "library")
  if (config !== null) return { config, name }
  throw new SettingsError(
    problems.map(
      ({ variable, message }): ConfigProblem => ({
        variable: variable in given ? (ARGUMENTS[variable] ?? variable) : variable,
        message,
      }),
    ),
  )
}

function addressVariables(redis: RedisAddress | UpstashClient): Record<string, unknown> {
  const { url, token } = "url" in redis ? redis : addressOf(redis)
  return { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token }
}

/** The client keeps its address in members that its types do not show. */
function addressOf(redis: object): Record<keyof RedisAddress, unknown> {
  const { client } = redis as { client?: { baseUrl?: unknown; headers?: { authorization?: unknown } } }
  const bearer = /^Bearer (.+)$/.exec(String(client?.headers?.authorization))?.[1]
  if (typeof client?.baseUrl === "string" && bearer !== undefined) {
    return { url: client.baseUrl, token: bearer }
  }
  const message = "must be {url, token}, or a Redis of @upstash/redis that was made with them"
  throw new SettingsError([{ variable: "redis", message }])
}
