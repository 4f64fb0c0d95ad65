import * as z from "zod/mini"
import type { Config } from "../config.ts"
import type { RequestHead, Target, WeightedTarget } from "../request.ts"
import { characters } from "./characters.ts"
import { membersOf } from "./members.ts"
import { type Path, type Problem, problem } from "./problem.ts"

// Where requests may go: a provider and a model, a route, fallbacks.

/** The provider of a request that names a route as its model. */
export const ROUTED = "auto"
const MAX_FALLBACKS = 5

export const PROVIDER_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/
export const providerName = z.string().check(
  z.regex(PROVIDER_NAME, {
    error: "must be the name of a provider, such as openai, anthropic or deepseek",
  }),
)
export const modelName = z.string().check(characters(1, 128))
export const Fallbacks = z
  .array(z.strictObject({ provider: providerName, model: modelName }))
  .check(z.maxLength(MAX_FALLBACKS))

type Settings = Pick<Config, "providers" | "routes">

/** What is wrong with a request's `provider`, `model` and `fallbacks` beside their shapes. */
export function targetProblems(
  { provider, model, fallbacks }: Record<string, unknown>,
  settings: Settings,
  at: Path,
): Problem[] {
  const others = Array.isArray(fallbacks) ? fallbacks.slice(0, MAX_FALLBACKS).map(membersOf) : []
  if (provider === ROUTED) {
    const problems = routeProblems(model, settings, [...at, "model"])
    if (others.length === 0) return problems
    return [
      ...problems,
      problem([...at, "fallbacks"], "does not go with auto: its route falls back by itself"),
    ]
  }
  const problems = providerProblems(provider, settings, [...at, "provider"])
  const seen = [nameOf({ provider, model })]
  for (const [i, other] of others.entries()) {
    const place = [...at, "fallbacks", i]
    problems.push(...providerProblems(other.provider, settings, [...place, "provider"]))
    const name = nameOf(other)
    if (name !== null && seen.includes(name)) problems.push(problem(place, "repeats an earlier target"))
    seen.push(name)
  }
  return problems
}

function routeProblems(model: unknown, { routes }: Settings, at: Path): Problem[] {
  if (typeof model !== "string" || model === "" || Object.hasOwn(routes, model)) return []
  const names = Object.keys(routes)
  const wayOut =
    names.length > 0
      ? `: ${names.join(", ")}`
      : ", and there is none: set ROUTES, or name a provider instead of auto"
  return [problem(at, `must be the name of a route${wayOut}`)]
}

/** A well-formed name is one that could be configured. */
function providerProblems(provider: unknown, { providers }: Settings, at: Path): Problem[] {
  if (typeof provider !== "string" || !PROVIDER_NAME.test(provider) || Object.hasOwn(providers, provider)) {
    return []
  }
  if (provider === ROUTED) return [problem(at, "must be a provider: auto is for the request itself")]
  return [problem(at, notConfigured(provider), "provider_not_configured")]
}

export function notConfigured(provider: string): string {
  const fix = ["openai", "anthropic", "deepseek"].includes(provider)
    ? `set ${provider.toUpperCase()}_API_KEY`
    : "add it to CUSTOM_PROVIDERS"
  return `is not configured here: ${fix}, or use another`
}

/** null: it is not even a target. */
function nameOf({ provider, model }: Record<string, unknown>): string | null {
  return typeof provider === "string" && typeof model === "string" ? `${provider}/${model}` : null
}

/** Where a request may go. `route`: the targets as they are now, when it names a route. */
export function resolveTargets(
  { provider, model, fallbacks }: Pick<RequestHead, "provider" | "model" | "fallbacks">,
  { providers, routes }: Settings,
): { route?: WeightedTarget[]; simulated: boolean } {
  const route = provider === ROUTED ? routes[model] : undefined
  const targets: Target[] = route ?? [{ provider, model }, ...fallbacks]
  const simulated = targets.some((target) => providers[target.provider]?.simulated)
  return { ...(route && { route }), simulated }
}
