import { requireEveryOrganization } from "../auth/principal.ts"
import type { ProviderSettings } from "../core/config.ts"
import { LimitsBody } from "../core/contracts/limits.ts"
import { check, invalid, problem } from "../core/contracts/problem.ts"
import { AppError } from "../core/errors.ts"
import type { ProviderDetails } from "../queue/figures-contract.ts"
import { auditEntry } from "./audit.ts"
import { readJson } from "./body.ts"
import type { App, AppContext } from "./context.ts"
import { resource, servicesOf, wakeLanes } from "./resource.ts"
import { MAX_SMALL_BYTES } from "./sizes.ts"

/** Where a provider is reached stays unsaid: addresses may be internal. */
type ShownProvider = ProviderDetails & Pick<ProviderSettings, "wireFormat" | "simulated">

/** The configured providers: what they are at, and their limits, which can be changed while the queue runs. */
export function mountProviders(app: App): void {
  resource(app, "/v1/providers", { GET: { scope: "read", handle: listProviders } })
  resource(app, "/v1/providers/:name", { PATCH: { scope: "admin", handle: changeLimits } })
}

async function listProviders(c: AppContext): Promise<Response> {
  requireEveryOrganization(c.get("principal"))
  return c.json({ data: await readProviders(c) })
}

async function changeLimits(c: AppContext): Promise<Response> {
  const { value } = await readJson(c, MAX_SMALL_BYTES)
  const read = check(LimitsBody, value)
  if (read.value === null) throw invalid("The body", read.problems)
  const { models = {}, ...own } = read.value
  if (Object.keys(own).length + Object.keys(models).length === 0) {
    throw invalid("The body", [problem([], "changes nothing: set concurrency, rpm, tpm or models")])
  }
  const name = requireProvider(c)
  await servicesOf(c).queue.setLimits(name, read.value, auditEntry(c, "provider.limits_changed", name))
  // A higher limit may let something start.
  wakeLanes(c)
  const providers = await readProviders(c)
  return c.json(providers.find((provider) => provider.name === name))
}

async function readProviders(c: AppContext): Promise<ShownProvider[]> {
  const { queue, config } = servicesOf(c)
  const providers = await queue.providers()
  return providers.flatMap((details) => {
    const settings = config.providers[details.name]
    return settings ? [{ ...details, wireFormat: settings.wireFormat, simulated: settings.simulated }] : []
  })
}

/** The name in the path. Throws `not_found` unless such a provider is configured. */
export function requireProvider(c: AppContext): string {
  const name = c.req.param("name") ?? ""
  if (!Object.hasOwn(servicesOf(c).config.providers, name)) {
    throw new AppError("not_found", "No provider of this name is configured.")
  }
  return name
}
