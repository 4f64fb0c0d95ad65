import * as z from "zod/mini"
import type { Variables } from "./config-variables.ts"
import { PROVIDER_NAME } from "./contracts/targets.ts"
import { VENDORS, type WireFormat } from "./vendors.ts"

/** How to reach one provider. */
export interface ProviderSettings {
  name: string
  wireFormat: WireFormat
  /** The part before `/chat/completions`, or before `/v1/messages`. */
  baseUrl: string
  /** null: the endpoint wants none. */
  apiKey: string | null
  /** Served by the simulator; its answers say so. */
  simulated: boolean
}

const CustomProviders = z.array(
  z.strictObject({
    name: z.string().check(
      z.regex(PROVIDER_NAME, {
        error: "must be 1 to 32 lower-case letters, digits or dashes, the first no dash",
      }),
    ),
    baseUrl: z.string().check(z.regex(/^https?:\/\/[^\s/]/, { error: "must be an http(s) URL" })),
    wireFormat: z.enum(["openai-chat", "anthropic-messages"]),
    apiKeySecret: z.exactOptional(z.string()),
  }),
)
const EXAMPLE =
  '[{"name": "groq", "baseUrl": "https://…", "wireFormat": "openai-chat", "apiKeySecret": "GROQ_API_KEY"}]'

export function readProviders(variables: Variables): Record<string, ProviderSettings> {
  return { ...readVendors(variables), ...readCustom(variables) }
}

/** The three vendors: with a key or a base URL the real endpoint, else the simulator where it is allowed. */
function readVendors({ text, url, note }: Variables): Record<string, ProviderSettings> {
  const simulatorUrl = ["1", "true"].includes(text("ALLOW_SIMULATOR")) ? url("SIMULATOR_URL") : ""
  if (!["", "0", "1", "true", "false"].includes(text("ALLOW_SIMULATOR"))) {
    note("ALLOW_SIMULATOR", "must be 1 or 0")
  }
  const settings: Record<string, ProviderSettings> = {}
  for (const [name, { wireFormat, ...vendor }] of Object.entries(VENDORS)) {
    const apiKey = text(`${name.toUpperCase()}_API_KEY`) || null
    const baseUrl = url(`${name.toUpperCase()}_BASE_URL`)
    if (apiKey !== null || baseUrl !== "") {
      settings[name] = { name, wireFormat, baseUrl: baseUrl || vendor.baseUrl, apiKey, simulated: false }
    } else if (simulatorUrl !== "") {
      settings[name] = {
        ...{ name, wireFormat, baseUrl: simulatorUrl + vendor.simulatorPath },
        ...{ apiKey, simulated: true },
      }
    }
  }
  return settings
}

function readCustom({ text, json, note }: Variables): Record<string, ProviderSettings> {
  const variable = "CUSTOM_PROVIDERS"
  const settings: Record<string, ProviderSettings> = {}
  for (const custom of json(variable, CustomProviders, EXAMPLE) ?? []) {
    const { name, wireFormat, apiKeySecret } = custom
    if (name in VENDORS || name in settings || name === "auto") {
      note(variable, `uses the name "${name}" a second time, or a reserved one`)
    }
    if (apiKeySecret !== undefined && text(apiKeySecret) === "") {
      note(variable, `names the secret ${apiKeySecret}, which is not set`)
    }
    const apiKey = apiKeySecret === undefined ? null : text(apiKeySecret)
    settings[name] = {
      ...{ name, wireFormat, baseUrl: custom.baseUrl.replace(/\/+$/, "") },
      ...{ apiKey, simulated: false },
    }
  }
  return settings
}
