import type { Config, ProviderSettings } from "../../core/config.ts"
import type { Wire } from "../wire.ts"
import { MessageAssembly } from "./assemble.ts"
import { explainError } from "./errors.ts"
import { LIMIT_HEADERS } from "./limits.ts"
import { buildRequest } from "./request.ts"

/** Anthropic's messages, spoken by Anthropic and endpoints compatible with it. */
export function anthropicMessages(
  settings: ProviderSettings,
  config: Pick<Config, "anthropicDefaultMaxTokens" | "anthropicVersion">,
): Wire {
  return {
    url: `${settings.baseUrl}/v1/messages`,
    headers: {
      "anthropic-version": config.anthropicVersion,
      ...(settings.apiKey === null ? {} : { "x-api-key": settings.apiKey }),
    },
    requestIdHeaders: ["request-id", "x-request-id"],
    limitHeaders: LIMIT_HEADERS,
    buildRequest: (model, body) => buildRequest(config, model, body),
    startAssembly: (model) => new MessageAssembly(model),
    explainError,
  }
}
