import type { ChatCompletion, Usage } from "../core/request.ts"

/** Our count in OpenAI's shape, for the answer; zeros where nothing was counted, since clients expect figures. */
export function toWireUsage(usage: Usage | null): ChatCompletion["usage"] {
  const { inputTokens = 0, cachedInputTokens = 0, outputTokens = 0, reasoningTokens = 0 } = usage ?? {}
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedInputTokens },
    completion_tokens_details: { reasoning_tokens: reasoningTokens },
  }
}

/** More than any answer has. A sum of what some vendor's mistake says beyond could be no number that JSON and the store know. */
const MOST_TOKENS = 1e12

/** A token count from a vendor, a whole number; 0 for what is none. */
export function count(value: unknown): number {
  return typeof value === "number" && value >= 0 && value <= MOST_TOKENS ? Math.round(value) : 0
}
