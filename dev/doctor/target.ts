import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Config } from "../../src/core/config.ts"
import { readDevVars } from "../dev-vars.ts"
import { readSettings } from "../settings.ts"
import { type Finding, ok, problem, warning } from "./finding.ts"

export interface StoreAccess {
  url: string
  token: string
}

/** What is to be examined. */
export interface Target {
  kind: "configured" | "local"
  store: StoreAccess | null
  /** null: the settings are wrong. */
  config: Config | null
}

const EXAMPLES = "see .dev.vars.example"
const DEFAULT_PORT = "8787"

/**
 * Chooses the store: the one that is configured, else (or when `local`) that of the local stack on `PORT`. What is
 * wrong with the settings is found on the way. Throws nothing.
 */
export function findTarget(
  root: string,
  shell: NodeJS.ProcessEnv,
  local: boolean,
): { target: Target; findings: Finding[] } {
  const env: Record<string, string | undefined> = { ...readDevVars(root), ...shell }
  const text = (variable: string) => env[variable]?.trim() ?? ""
  const { settings, problems } = readSettings(root, shell)
  const findings = problems.map(({ variable, message }) =>
    problem(
      "settings",
      `${variable} ${message}`,
      `correct ${variable} in the shell or in .dev.vars; ${EXAMPLES}`,
    ),
  )
  const config = settings?.config ?? null
  if (config !== null) findings.push(ok("settings", "every setting makes sense"))

  const url = text("UPSTASH_REDIS_REST_URL").replace(/\/+$/, "")
  if (local || url === "") {
    const port = text("PORT") || DEFAULT_PORT
    const store = readStackFile(root, port)
    if (store === null) findings.push(noStore(port, text("REDIS_URL") !== ""))
    return { target: { kind: "local", store, config }, findings }
  }
  if (settings?.adminKeyIsNew) {
    findings.push(
      warning(
        "settings",
        "ADMIN_API_KEY is not set",
        "npm start makes one; a deployed Worker needs wrangler secret put ADMIN_API_KEY",
      ),
    )
  }
  const store =
    /^https?:/.test(url) && URL.canParse(url) ? { url, token: text("UPSTASH_REDIS_REST_TOKEN") } : null
  return { target: { kind: "configured", store, config }, findings }
}

/** The store of a stack that runs, or was killed. */
function readStackFile(root: string, port: string): StoreAccess | null {
  const file = join(root, ".data", `stack-${port}`, "stack.json")
  if (!existsSync(file)) return null
  const { store } = JSON.parse(readFileSync(file, "utf8")) as { store: Record<string, string> }
  return { url: store.UPSTASH_REDIS_REST_URL ?? "", token: store.UPSTASH_REDIS_REST_TOKEN ?? "" }
}

function noStore(port: string, hasRedisUrl: boolean): Finding {
  return problem(
    "store",
    `no Upstash database is configured, and no stack runs on port ${port}`,
    hasRedisUrl
      ? "REDIS_URL is served by npm start: run it in another terminal, then the doctor again"
      : "set UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN, or run npm start in another terminal",
  )
}
