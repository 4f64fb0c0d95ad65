import type { AIRequest, Answer } from "../compose.ts"
import type { Config } from "../core/config.ts"
import { PROVIDER_NAME } from "../core/contracts/targets.ts"
import { type AIRequestQueueOptions, readSettings, SettingsError } from "../core/library-settings.ts"
import type { Log } from "../core/log.ts"
import type { Target, Usage } from "../core/request.ts"
import type { WorkerHealth } from "./events.ts"

/** What a processor knows beside its request. */
export interface ProcessorContext {
  /** Ends the work: the request was cancelled, its `timeoutMs` is over, or the worker is stopping. */
  signal: AbortSignal
  /** The number of this try. */
  attempt: number
  /** Whom to call: with a route or fallbacks not what the request's `provider` and `model` say. */
  target: Target
}

/** An answer with the tokens it took; what is left out is 0. */
export interface AnswerWithUsage {
  response: string | Answer
  usage: Partial<Usage>
}

/**
 * Calls an AI service of your own. What it throws is decided as a provider's failure: `retryable: false` fails the
 * request, `retryAfterMs` puts it off, `code` says whose trouble it is.
 */
export type Processor = (
  request: AIRequest,
  context: ProcessorContext,
) => Promise<string | Answer | AnswerWithUsage>

export interface AIQueueWorkerOptions extends AIRequestQueueOptions {
  /** Requests in work at a time: 1 to 1,000. Default: 2. */
  concurrency?: number
  /**
   * How long `stop` may take, and a lease lasts at least, ms: 1,000 to 900,000. Default: `MAX_PROCESSING_TIME_MS`, or
   * else 60,000. A single call is bounded by its request's `timeoutMs`.
   */
  maxProcessingTime?: number
  /** How often `onHealth` is called, ms, from 1,000. Default: 30,000. Each costs one billed command. */
  healthCheckInterval?: number
  onHealth?: (health: WorkerHealth) => void
  /** How long an idle worker waits before it looks again: from `min`, doubling up to `max`, ms. Default: 250 and 15,000. */
  pollIntervalMs?: { min?: number; max?: number }
  /** Called instead of every provider. */
  processor?: Processor
  /** Whose requests to take. Default: all that are configured. With a `processor` these may be any names. */
  providers?: string[]
  /** Where to log. Default: warnings and errors, as JSON lines on stderr. */
  log?: Log
}

/** The same with its defaults. */
export interface WorkerSettings {
  config: Config
  name: string
  healthCheckInterval: number
  pollIntervalMs: { min: number; max: number }
}

const DEFAULT_CONCURRENCY = 2
const DEFAULT_HEALTH_MS = 30_000
const DEFAULT_POLL_MS = { min: 250, max: 15_000 }
const LONGEST_INTERVAL_MS = 3_600_000

/** Throws `SettingsError`, which names each argument or variable that is missing or wrong. */
export function readWorkerSettings(options: AIQueueWorkerOptions): WorkerSettings {
  const {
    concurrency = DEFAULT_CONCURRENCY,
    maxProcessingTime,
    healthCheckInterval,
    pollIntervalMs,
  } = options
  const { config, name } = readSettings(options, {
    DRAIN_CONCURRENCY: String(concurrency),
    MAX_PROCESSING_TIME_MS: maxProcessingTime === undefined ? undefined : String(maxProcessingTime),
  })
  const min = pollIntervalMs?.min ?? Math.min(DEFAULT_POLL_MS.min, pollIntervalMs?.max ?? Infinity)
  const max = pollIntervalMs?.max ?? Math.max(DEFAULT_POLL_MS.max, min)
  const healthMs = healthCheckInterval ?? DEFAULT_HEALTH_MS
  checkInterval("healthCheckInterval", healthMs, 1000)
  checkInterval("pollIntervalMs.min", min, 1)
  checkInterval("pollIntervalMs.max", max, min)
  return {
    config: { ...config, providers: servedProviders(config, options) },
    ...{ name, healthCheckInterval: healthMs, pollIntervalMs: { min, max } },
  }
}

/** Those whose lines are served. */
function servedProviders(
  { providers: configured }: Config,
  { providers: names = Object.keys(configured), processor }: AIQueueWorkerOptions,
): Config["providers"] {
  const fail = (message: string) => new SettingsError([{ variable: "providers", message }])
  if (names.length === 0) {
    throw fail("names none, and no provider is configured: set OPENAI_API_KEY or the like, or name some")
  }
  const entries = names.map((name): [string, Config["providers"][string]] => {
    const settings = configured[name]
    if (settings !== undefined) return [name, settings]
    if (!PROVIDER_NAME.test(name)) {
      throw fail("must be names of 1 to 32 lower-case letters, digits or dashes, the first no dash")
    }
    if (processor === undefined) {
      throw fail(`names ${name}, which is not configured: set its key or base URL, or pass a processor`)
    }
    // Never called: the processor stands in for it.
    return [name, { name, wireFormat: "openai-chat", baseUrl: "", apiKey: null, simulated: false }]
  })
  return Object.fromEntries(entries)
}

function checkInterval(variable: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least && value <= LONGEST_INTERVAL_MS) return
  const message = `must be a whole number of milliseconds from ${least} to ${LONGEST_INTERVAL_MS}`
  throw new SettingsError([{ variable, message }])
}
