import type { Config, ProviderSettings } from "../core/config.ts"
import { VENDORS } from "../core/vendors.ts"
import { anthropicMessages } from "./anthropic-messages/wire.ts"
import { callProvider } from "./call.ts"
import { CLOCK_LIMITS, type ClockLimits } from "./clocks.ts"
import { openaiChat } from "./openai-chat/wire.ts"
import type { Provider } from "./provider.ts"
import type { Wire } from "./wire.ts"

/** What the adapters need of the settings. */
export type ProvidersConfig = Pick<Config, "providers" | "anthropicDefaultMaxTokens" | "anthropicVersion">

const COMMON_HEADERS = {
  "content-type": "application/json",
  accept: "text/event-stream, application/json",
  "user-agent": "ai-request-queue",
}

/** One provider per configured name. `limits` is for tests, which cannot wait a minute. */
export function createProviders(
  config: ProvidersConfig,
  limits: ClockLimits = CLOCK_LIMITS,
): Map<string, Provider> {
  const entries = Object.values(config.providers).map((settings): [string, Provider] => {
    const wire = createWire(settings, config)
    wire.headers = { ...COMMON_HEADERS, ...wire.headers }
    wire.isGateway = settings.baseUrl !== VENDORS[settings.name]?.baseUrl
    return [
      settings.name,
      {
        name: settings.name,
        simulated: settings.simulated,
        call: (call) => callProvider(wire, call, limits),
      },
    ]
  })
  return new Map(entries)
}

function createWire(settings: ProviderSettings, config: ProvidersConfig): Wire {
  return settings.wireFormat === "openai-chat" ? openaiChat(settings) : anthropicMessages(settings, config)
}
