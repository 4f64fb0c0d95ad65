import type { ProviderSettings } from "../../core/config.ts"
import type { Wire } from "../wire.ts"
import { ChatAssembly } from "./assemble.ts"
import { dialectOf } from "./dialects.ts"
import { explainError } from "./errors.ts"
import { LIMIT_HEADERS } from "./limits.ts"
import { buildRequest } from "./request.ts"

/** OpenAI's chat completions, spoken by OpenAI, DeepSeek and any compatible endpoint. */
export function openaiChat(settings: ProviderSettings): Wire {
  const dialect = dialectOf(settings.name)
  return {
    url: `${settings.baseUrl}/chat/completions`,
    headers: settings.apiKey === null ? {} : { authorization: `Bearer ${settings.apiKey}` },
    requestIdHeaders: dialect.requestIdHeaders,
    limitHeaders: LIMIT_HEADERS,
    buildRequest: (model, body) => buildRequest(dialect, model, body),
    startAssembly: (model) => new ChatAssembly(model),
    explainError,
  }
}
