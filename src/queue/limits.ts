import type { Limits, LimitsChange, ProviderLimits } from "../core/limits.ts"
import { decodeModel, targetName } from "./targets.ts"

// Limits in the words of `lua/include/providers.lua`: "name concurrency rpm tpm;…", "-" for none.

const NO_LIMITS: Limits = { concurrency: null, rpm: null, tpm: null }

export function encodeLimits(limits: Record<string, ProviderLimits>): string {
  return Object.entries(limits)
    .flatMap(([provider, { models, ...own }]) => [
      encodeOne(provider, own),
      ...Object.entries(models).map(([model, ofModel]) =>
        encodeOne(targetName({ provider, model }), ofModel),
      ),
    ])
    .join(";")
}

function encodeOne(name: string, { concurrency, rpm, tpm }: Limits): string {
  return [name, concurrency ?? "-", rpm ?? "-", tpm ?? "-"].join(" ")
}

/** The limits of a provider out of a text that may hold others' too. */
export function decodeLimits(text: string, provider: string): ProviderLimits {
  const limits: ProviderLimits = { ...NO_LIMITS, models: {} }
  for (const entry of text.split(";").filter(Boolean)) {
    const [name = "", ...values] = entry.split(" ")
    const [concurrency = null, rpm = null, tpm = null] = values.map((value) =>
      value === "-" ? null : Number(value),
    )
    const [owner, model] = name.split("/")
    if (owner !== provider) continue
    if (model === undefined) Object.assign(limits, { concurrency, rpm, tpm })
    else limits.models[decodeModel(model)] = { concurrency, rpm, tpm }
  }
  return limits
}

export function changeLimits({ models, ...own }: ProviderLimits, change: LimitsChange): ProviderLimits {
  const { models: changes = {}, ...changed } = change
  const changedModels = Object.entries(changes).flatMap(([model, ofModel]) =>
    ofModel === null ? [] : [[model, { ...NO_LIMITS, ...models[model], ...ofModel }] as const],
  )
  const kept = Object.entries(models).filter(([model]) => !Object.hasOwn(changes, model))
  return { ...own, ...changed, models: Object.fromEntries([...kept, ...changedModels]) }
}
