import type { Config } from "../core/config.ts"
import { ROUTED } from "../core/contracts/targets.ts"
import type { Target } from "../core/request.ts"
import { VENDORS } from "../core/vendors.ts"

export type ModelSettings = Pick<Config, "providers" | "routes" | "models">

/** What a vendor's models are called. Used where that vendor is configured. */
const FAMILIES: [prefix: string, provider: string][] = [
  ["claude-", "anthropic"],
  ["deepseek-", "deepseek"],
  ["gpt-", "openai"],
]

/**
 * Where a model's name leads on a compatible route: as `MODELS` says; to the route of that name; to the provider before
 * the first slash; to the vendor whose models are called so; else to the vendor whose dialect is spoken.
 */
export function resolveModel(
  name: string,
  vendor: "openai" | "anthropic",
  { providers, routes, models }: ModelSettings,
): Target {
  const mapped = Object.hasOwn(models, name) ? models[name] : undefined
  if (mapped !== undefined) return mapped
  if (Object.hasOwn(routes, name)) return { provider: ROUTED, model: name }
  const slash = name.indexOf("/")
  const prefix = name.slice(0, Math.max(slash, 0))
  if (prefix === ROUTED || Object.hasOwn(providers, prefix) || Object.hasOwn(VENDORS, prefix)) {
    return { provider: prefix, model: name.slice(slash + 1) }
  }
  const [, family = vendor] =
    FAMILIES.find(([start, provider]) => name.startsWith(start) && Object.hasOwn(providers, provider)) ?? []
  return { provider: family, model: name }
}

/** The names that this deployment gives to models: those of `MODELS`, then its routes. No vendor's list is made up. */
export function namedModels({ routes, models }: ModelSettings): { name: string; ownedBy: string }[] {
  const names = new Map(Object.entries(models).map(([name, { provider }]) => [name, provider]))
  for (const name of Object.keys(routes)) if (!names.has(name)) names.set(name, ROUTED)
  return [...names].map(([name, ownedBy]) => ({ name, ownedBy }))
}
