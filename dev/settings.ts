import { type Config, type ConfigProblem, parseConfig } from "../src/core/config.ts"
import { generateAdminKey, readDevVars } from "./dev-vars.ts"

/** Which store the stack uses. `own` starts one. */
export type StoreChoice =
  | { kind: "upstash"; url: string; token: string }
  | { kind: "redis"; redisUrl: string }
  | { kind: "own" }

/** What `npm start` runs with, checked. */
export interface Settings {
  /** Where the Worker listens on 127.0.0.1. */
  port: number
  /** How often the ticker fires the cron, ms. */
  cronMs: number
  store: StoreChoice
  /** The admin key was made just now and is not kept yet. */
  adminKeyIsNew: boolean
  /** Some provider is served by the simulator. */
  needsSimulator: boolean
  /** What the Worker gets, except the addresses of what is yet to be started. */
  vars: Record<string, string>
  config: Config
}

/** Stands for what only exists once it was started, so that the rest can be checked before. */
const UNKNOWN_URL = "http://127.0.0.1:1"

/**
 * Reads the shell and `<root>/.dev.vars`; the shell wins, also with an empty value. Everything is checked before
 * anything is started. Problems name the variable and never its value.
 */
export function readSettings(
  root: string,
  shell: NodeJS.ProcessEnv,
): { settings: Settings; problems: [] } | { settings: null; problems: ConfigProblem[] } {
  const env: Record<string, string | undefined> = { ...readDevVars(root), ...shell }
  const text = (variable: string) => env[variable]?.trim() ?? ""
  const problems: ConfigProblem[] = []
  const whole = (variable: string, fallback: number, least: number, greatest: number) => {
    const value = text(variable) === "" ? fallback : Number(text(variable))
    if (!Number.isInteger(value) || value < least || value > greatest) {
      problems.push({ variable, message: `must be a whole number from ${least} to ${greatest}` })
    }
    return value
  }

  const port = whole("PORT", 8787, 1, 65_535)
  const store = chooseStore(text, problems)
  const adminKeyIsNew = text("ADMIN_API_KEY") === ""
  const { asked, result } = check({
    ...env,
    ADMIN_API_KEY: adminKeyIsNew ? generateAdminKey() : text("ADMIN_API_KEY"),
    QUEUE_NAME: text("QUEUE_NAME") || "dev",
    ALLOW_SIMULATOR: text("ALLOW_SIMULATOR") || (isLocal(store) ? "1" : "0"),
    SIMULATOR_URL: UNKNOWN_URL,
    ...storeVars(store.kind === "upstash" ? store : { url: UNKNOWN_URL, token: "unknown" }),
  })
  problems.push(...result.problems)
  // Without lanes nothing starts before the next tick.
  const cronMs = whole("DEV_CRON_MS", result.config?.drainLanes === 0 ? 2_000 : 60_000, 50, 86_400_000)
  if (result.config === null || problems.length > 0) return { settings: null, problems }

  const { config } = result
  const needsSimulator = Object.values(config.providers).some((provider) => provider.simulated)
  return {
    settings: { port, cronMs, store, adminKeyIsNew, needsSimulator, vars: asked, config },
    problems: [],
  }
}

/** The store's variables as the Worker knows them. */
export function storeVars(store: { url: string; token: string }): Record<string, string> {
  return { UPSTASH_REDIS_REST_URL: store.url, UPSTASH_REDIS_REST_TOKEN: store.token }
}

function chooseStore(text: (variable: string) => string, problems: ConfigProblem[]): StoreChoice {
  const url = text("UPSTASH_REDIS_REST_URL")
  const token = text("UPSTASH_REDIS_REST_TOKEN")
  if (url !== "") return { kind: "upstash", url, token }
  if (token !== "") {
    problems.push({ variable: "UPSTASH_REDIS_REST_URL", message: "is missing, although there is a token" })
  }
  const redisUrl = text("REDIS_URL")
  if (redisUrl === "") return { kind: "own" }
  if (!URL.canParse(redisUrl) || !["redis:", "rediss:"].includes(new URL(redisUrl).protocol)) {
    problems.push({ variable: "REDIS_URL", message: "must be a redis:// or rediss:// URL" })
  }
  return { kind: "redis", redisUrl }
}

/** Whether made-up answers can do no harm: the store is this machine's, or behind the bridge of this machine. */
function isLocal(store: StoreChoice): boolean {
  if (store.kind !== "upstash") return true
  const host = URL.canParse(store.url) ? new URL(store.url).hostname : ""
  return host === "localhost" || host === "[::1]" || /^127(\.\d+){3}$/.test(host)
}

/** Parses the Worker's settings and notes what it asked for: that, and nothing else of the shell, is passed on. */
function check(env: Record<string, string | undefined>) {
  const asked: Record<string, string> = {}
  const noting = new Proxy(env, {
    get: (target, variable) => {
      const value = target[String(variable)]
      if (value?.trim()) asked[String(variable)] = value
      return value
    },
  })
  return { result: parseConfig(noting), asked }
}
