/** Where endpoints that speak this format differ. */
export interface Dialect {
  /** The only name it knows for the output limit; null: both pass through as they came. */
  maxTokensName: "max_tokens" | "max_completion_tokens" | null
  /** Knows the role `developer`; others get it as `system`, which means the same. */
  developerRole: boolean
  /** Takes `reasoning_content` back in an assistant's message; a refusal otherwise. */
  reasoningInput: boolean
  requestIdHeaders: readonly string[]
}

const DIALECTS: Record<string, Dialect> = {
  openai: {
    maxTokensName: "max_completion_tokens",
    developerRole: true,
    reasoningInput: false,
    requestIdHeaders: ["x-request-id"],
  },
  deepseek: {
    maxTokensName: "max_tokens",
    developerRole: false,
    reasoningInput: true,
    requestIdHeaders: ["x-ds-trace-id", "x-request-id"],
  },
}

const COMPATIBLE: Dialect = {
  maxTokensName: null,
  developerRole: false,
  reasoningInput: true,
  requestIdHeaders: ["x-request-id", "request-id"],
}

/** By the provider's name: a custom one is any compatible endpoint. */
export function dialectOf(provider: string): Dialect {
  return DIALECTS[provider] ?? COMPATIBLE
}
