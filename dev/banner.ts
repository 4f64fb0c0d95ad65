import type { ProviderSettings } from "../src/core/config.ts"

export interface BannerFacts {
  origin: string
  adminApiKey: string
  /** It was made in this run. */
  adminKeyIsNew: boolean
  queueName: string
  store: string
  /** Null when no provider needs it. */
  simulatorUrl: string | null
  providers: ProviderSettings[]
  lanes: number
  cronMs: number
}

const VENDORS = ["openai", "anthropic", "deepseek"]
const EXAMPLE_MODELS: Record<string, string> = {
  openai: "gpt-5-mini",
  anthropic: "claude-haiku-4-5",
  deepseek: "deepseek-flash",
}

/** What a person needs to begin: where it is, with which key, who will answer, and two lines to try. */
export function formatBanner(facts: BannerFacts): string {
  const { origin, adminApiKey, simulatorUrl, providers } = facts
  const names = [...new Set([...VENDORS, ...providers.map((provider) => provider.name)])]
  const lines = [
    ["URL", origin],
    ["Dashboard", `${origin}/dashboard/`],
    ["Admin key", `${adminApiKey}${facts.adminKeyIsNew ? "  (new, kept in .dev.vars)" : ""}`],
    ["Queue", facts.queueName],
    ["Store", facts.store],
    ["Lanes", facts.lanes === 0 ? "none: the cron drains" : String(facts.lanes)],
    ["Cron", `fired every ${facts.cronMs} ms`],
    ...(simulatorUrl === null ? [] : [["Simulator", simulatorUrl]]),
    ...names.map((name) => [name, describe(name, providers)]),
  ]
  const width = Math.max(...lines.map(([label = ""]) => label.length))
  const table = lines.map(([label = "", value]) => `  ${label.padEnd(width)}  ${value}`)
  return ["", ...table, "", ...examples(facts), ""].join("\n")
}

function describe(name: string, providers: ProviderSettings[]): string {
  const provider = providers.find((each) => each.name === name)
  if (provider === undefined) return `not configured: set ${name.toUpperCase()}_API_KEY`
  if (provider.simulated) return "simulated"
  const { origin, pathname } = new URL(provider.baseUrl)
  return `REAL, ${origin}${pathname === "/" ? "" : pathname}${provider.apiKey === null ? ", without a key" : ""}`
}

function examples({ origin, adminApiKey, providers }: BannerFacts): string[] {
  // Trying it should cost nothing where that is possible.
  const provider = providers.find((each) => each.simulated) ?? providers[0]
  if (provider === undefined) return ["  No provider is configured: every request will be refused."]
  const body = {
    provider: provider.name,
    model: EXAMPLE_MODELS[provider.name] ?? "model",
    organizationId: "demo",
    messages: [{ role: "user", content: "Say hello" }],
  }
  const authorization = quote(`Authorization: Bearer ${adminApiKey}`)
  return [
    "  Try it:",
    `    curl -s ${origin}/v1/requests -H ${authorization} -H 'Content-Type: application/json' -d ${quote(JSON.stringify(body))}`,
    "  and read the result:",
    `    curl -s ${origin}/v1/requests/REQUEST_ID -H ${authorization}`,
  ]
}

/** For a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
