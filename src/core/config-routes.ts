import * as z from "zod/mini"
import type { ProviderSettings } from "./config-providers.ts"
import type { Variables } from "./config-variables.ts"
import { modelName, notConfigured, providerName } from "./contracts/targets.ts"
import { whole } from "./contracts/whole.ts"
import type { WeightedTarget } from "./request.ts"

const VARIABLE = "ROUTES"
const EXAMPLE = '{"fast": [{"provider": "openai", "model": "gpt-5-mini", "weight": 3}, …]}'

const Routes = z.record(
  z.string().check(
    z.regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, {
      error:
        "must be 1 to 64 lower-case letters, digits, dots, dashes or underscores, the first one of the first two",
    }),
  ),
  z
    .array(
      z.strictObject({
        provider: providerName,
        model: modelName,
        weight: z._default(whole(1, 1000), 1),
      }),
    )
    .check(z.minLength(1), z.maxLength(8)),
)

export function readRoutes(
  { json, note }: Variables,
  providers: Record<string, ProviderSettings>,
): Record<string, WeightedTarget[]> {
  const routes = json(VARIABLE, Routes, EXAMPLE) ?? {}
  for (const [name, targets] of Object.entries(routes)) {
    for (const [i, { provider, model }] of targets.entries()) {
      const place = `/${name}/${i}`
      if (!Object.hasOwn(providers, provider)) note(VARIABLE, `${place}/provider ${notConfigured(provider)}`)
      const first = targets.findIndex((target) => target.provider === provider && target.model === model)
      if (first < i) note(VARIABLE, `${place} repeats an earlier target: add to that one's weight`)
    }
  }
  return routes
}
