import type { ChatCompletion, Usage } from "../core/request.ts"

/** Our count in OpenAI's shape, for the answer. */
export function toWireUsage(usage: Usage | null): ChatCompletion["usage"] {
  const { inputTokens, cachedInputTokens, outputTokens, reasoningTokens } = usage ?? NO_USAGE
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedInputTokens },
    completion_tokens_details: { reasoning_tokens: reasoningTokens },
  }
}

/** For an endpoint that counts nothing. */
export const NO_USAGE: Readonly<Usage> = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
}

/** A token count from a vendor, or `fallback` for what is none. */
export function count(value: unknown, fallback = 0): number {
  return typeof value === "number" && value >= 0 && Number.isFinite(value) ? value : fallback
}
