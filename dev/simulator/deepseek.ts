import { createChatFormat } from "./chat-completions.ts"
import { checkDeepSeek } from "./deepseek-check.ts"
import { type Answer, isObject, type JsonObject, type WireFormat } from "./wire-format.ts"

/** `POST /deepseek/chat/completions`. */
export const deepseek: WireFormat = createChatFormat({
  provider: "deepseek",
  basePath: "/deepseek",
  showsReasoning: true,
  refusesInWords: false,
  keepAliveMs: 1000,
  usageInLastChoice: true,
  models: ["deepseek-chat", "deepseek-reasoner"],
  check: checkDeepSeek,
  headers: (requestId) => ({ "x-ds-trace-id": requestId }),
  // It does not know max_completion_tokens, and ignores what it does not know.
  maxTokens: (body) => body.max_tokens,
  reasons,
  envelope: (answer) => ({
    id: `00000000-0000-4000-8000-${answer.id.padStart(12, "0")}`,
    created: answer.created,
    model: answer.model,
    system_fingerprint: "fp_simulator",
  }),
  message: {},
  firstDelta: (answer) =>
    thinks(answer)
      ? { role: "assistant", content: null, reasoning_content: "" }
      : { role: "assistant", content: "" },
  reasoningDelta: (text) => ({ content: null, reasoning_content: text }),
  lastDelta: (answer) => (thinks(answer) ? { content: "", reasoning_content: null } : { content: "" }),
  finishWord: (finish) => (finish === "refusal" ? "content_filter" : finish),
  usage: ({ usage }) => ({
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.promptTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
    ...(usage.reasoningTokens > 0
      ? { completion_tokens_details: { reasoning_tokens: usage.reasoningTokens } }
      : {}),
    prompt_cache_hit_tokens: usage.cachedTokens,
    prompt_cache_miss_tokens: usage.promptTokens - usage.cachedTokens,
  }),
})

function reasons(body: JsonObject): boolean {
  if (isObject(body.thinking)) return body.thinking.type === "enabled"
  return /reasoner|think/.test(String(body.model))
}

function thinks(answer: Answer): boolean {
  return answer.parts[0]?.kind === "reasoning"
}
