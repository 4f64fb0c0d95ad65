import * as z from "zod/mini"
import type { ProviderSettings } from "./config-providers.ts"
import type { Variables } from "./config-variables.ts"
import { LimitsBody } from "./contracts/limits.ts"
import { notConfigured } from "./contracts/targets.ts"
import type { Limits, LimitsChange, ProviderLimits } from "./limits.ts"
import { VENDORS } from "./vendors.ts"

const VARIABLE = "PROVIDER_LIMITS"
const EXAMPLE = '{"openai": {"concurrency": 100, "rpm": 600, "tpm": 90000, "models": {"gpt-5": {"rpm": 60}}}}'

/** Limits of a vendor without a key wait for it; those of a name that nothing else knows are a mistake. */
export function readLimits(
  { json, note }: Variables,
  providers: Record<string, ProviderSettings>,
): Record<string, ProviderLimits> {
  const given = Object.entries(json(VARIABLE, z.record(z.string(), LimitsBody), EXAMPLE) ?? {})
  for (const [name] of given) {
    if (!Object.hasOwn(providers, name) && !Object.hasOwn(VENDORS, name)) {
      note(VARIABLE, `/${name} ${notConfigured(name)}`)
    }
  }
  return Object.fromEntries(given.map(([name, change]) => [name, completeAll(change)]))
}

function completeAll({ models = {}, ...own }: LimitsChange): ProviderLimits {
  const ofModels = Object.entries(models).map(([model, limits]) => [model, complete(limits ?? {})])
  return { ...complete(own), models: Object.fromEntries(ofModels) }
}

function complete({ concurrency = null, rpm = null, tpm = null }: Partial<Limits>): Limits {
  return { concurrency, rpm, tpm }
}
