import * as z from "zod/mini"
import type { ProviderSettings } from "./config-providers.ts"
import type { Variables } from "./config-variables.ts"
import { modelName, notConfigured, ROUTED } from "./contracts/targets.ts"
import type { Target, WeightedTarget } from "./request.ts"

const VARIABLE = "MODELS"
const EXAMPLE =
  '{"gpt-4o": "openai/gpt-5-mini", "smart": "anthropic/claude-sonnet-4-5", "cheap": "auto/fast"}'

const Models = z.record(
  modelName,
  z
    .string()
    .check(
      z.regex(/^[^/]+\/./, { error: "must be a provider and a model, such as anthropic/claude-sonnet-4-5" }),
    ),
)

/** What the vendors' own routes call a model, by the name that callers use. */
export function readModels(
  { json, note }: Variables,
  {
    providers,
    routes,
  }: { providers: Record<string, ProviderSettings>; routes: Record<string, WeightedTarget[]> },
): Record<string, Target> {
  const models: Record<string, Target> = {}
  for (const [name, text] of Object.entries(json(VARIABLE, Models, EXAMPLE) ?? {})) {
    const target = readTarget(text)
    const { provider, model } = target
    if (provider === ROUTED && !Object.hasOwn(routes, model))
      note(VARIABLE, `/${name} must lead to a route of ROUTES`)
    else if (provider !== ROUTED && !Object.hasOwn(providers, provider)) {
      note(VARIABLE, `/${name} leads to ${provider}, which ${notConfigured(provider)}`)
    }
    models[name] = target
  }
  return models
}

/** Models have slashes in their names, providers have none. */
function readTarget(text: string): Target {
  const slash = text.indexOf("/")
  return { provider: text.slice(0, slash), model: text.slice(slash + 1) }
}
