import type { Config, ProviderSettings } from "../../src/core/config.ts"
import { type Finding, ok, problem, warning } from "./finding.ts"
import { reasonOf } from "./send-command.ts"

const TIMEOUT_MS = 10_000
const KEY_PAGES: Record<string, string> = {
  openai: "https://platform.openai.com/api-keys",
  anthropic: "https://console.anthropic.com/settings/keys",
  deepseek: "https://platform.deepseek.com/api_keys",
}

/** Asks each provider for its list of models, which costs nothing and needs the key. */
export async function checkProviders(config: Config): Promise<Finding[]> {
  const configured = Object.values(config.providers)
  const missing = Object.keys(KEY_PAGES).filter((name) => !(name in config.providers))
  if (configured.length === 0) {
    const remedy = "set OPENAI_API_KEY, ANTHROPIC_API_KEY or DEEPSEEK_API_KEY"
    return [problem("providers", "none is configured: every request will be refused", remedy)]
  }
  const findings = await Promise.all(configured.map((provider) => checkProvider(provider, config)))
  return [
    ...findings,
    ...missing.map((name) =>
      warning(
        name,
        "not configured: its requests are refused",
        `set ${name.toUpperCase()}_API_KEY to use it`,
      ),
    ),
  ]
}

async function checkProvider(provider: ProviderSettings, config: Config): Promise<Finding> {
  const { name, baseUrl, simulated } = provider
  if (simulated) return ok(name, "simulated: nobody is called")
  const { host } = new URL(baseUrl)
  try {
    const answer = await fetch(modelsUrl(provider), {
      headers: authorization(provider, config),
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const body: unknown = await answer.json().catch(() => null)
    return judge(provider, host, answer.status, body)
  } catch (error) {
    return problem(
      name,
      `${host} does not answer (${reasonOf(error)})`,
      "look at the network, or at its base URL",
    )
  }
}

function modelsUrl({ wireFormat, baseUrl }: ProviderSettings): string {
  return wireFormat === "anthropic-messages" ? `${baseUrl}/v1/models` : `${baseUrl}/models`
}

function authorization(
  { wireFormat, apiKey }: ProviderSettings,
  { anthropicVersion }: Config,
): Record<string, string> {
  const key = apiKey ?? ""
  if (wireFormat === "openai-chat") return key === "" ? {} : { authorization: `Bearer ${key}` }
  return { "anthropic-version": anthropicVersion, ...(key === "" ? {} : { "x-api-key": key }) }
}

function judge({ name, apiKey }: ProviderSettings, host: string, status: number, body: unknown): Finding {
  const isList = Array.isArray((body as { data?: unknown } | null)?.data)
  if (status === 200 && isList) {
    return ok(
      name,
      `${host} answers${apiKey === null ? ", without a key" : " and takes the key"} (a free call)`,
    )
  }
  const says = `${host} answers ${status} to a free call`
  if (status === 401) {
    const page = KEY_PAGES[name]
    const remedy =
      page === undefined ? "set its key anew" : `set ${name.toUpperCase()}_API_KEY to one from ${page}`
    return problem(name, `${host} refuses the key`, remedy)
  }
  if (status === 402) return problem(name, `${host} says that the balance is empty`, "top up its account")
  if (status === 403) {
    return warning(name, says, "the key may be restricted, or this region not served: try one request")
  }
  if (status === 429) return warning(name, says, "its rate limit is reached just now: wait, or raise it")
  if (status >= 500) return warning(name, says, "it has trouble of its own: look at its status page")
  if (status >= 300 && status < 400) return problem(name, `${host} redirects`, "correct its base URL")
  return warning(
    name,
    `${says}: the key cannot be checked`,
    "look at its base URL; some endpoints list no models",
  )
}
