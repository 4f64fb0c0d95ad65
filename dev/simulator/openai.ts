import { createChatFormat } from "./chat-completions.ts"
import { checkOpenAi } from "./openai-check.ts"
import { type Allowance, type Answer, nearlyUntouched, type WireFormat } from "./wire-format.ts"

/** `POST /openai/v1/chat/completions`. */
export const openai: WireFormat = createChatFormat({
  provider: "openai",
  basePath: "/openai/v1",
  // The chain of thought is billed, never shown.
  showsReasoning: false,
  refusesInWords: true,
  keepAliveMs: 0,
  usageInLastChoice: false,
  models: ["gpt-5", "gpt-5-mini", "gpt-4o", "gpt-4o-mini"],
  check: checkOpenAi,
  headers: (requestId, { requests, tokens }) => ({
    "x-request-id": requestId,
    "openai-processing-ms": "12",
    "openai-version": "2020-10-01",
    ...limitHeaders("requests", requests ?? nearlyUntouched(10_000)),
    ...limitHeaders("tokens", tokens ?? nearlyUntouched(2_000_000)),
  }),
  maxTokens: (body) => body.max_completion_tokens ?? body.max_tokens,
  reasons: (body) => typeof body.reasoning_effort === "string" && body.reasoning_effort !== "none",
  envelope: (answer) => ({
    id: `chatcmpl-sim${answer.id}`,
    created: answer.created,
    model: answer.model,
    service_tier: "default",
    system_fingerprint: "fp_simulator",
  }),
  message: { refusal: null, annotations: [] },
  firstDelta: (answer) => ({ role: "assistant", content: startsWithTool(answer) ? null : "", refusal: null }),
  reasoningDelta: (text) => ({ content: text }),
  lastDelta: () => ({}),
  finishWord: (finish) => (finish === "refusal" ? "stop" : finish),
  usage: ({ usage }) => ({
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.promptTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }),
})

function limitHeaders(kind: string, { limit, remaining, resetMs }: Allowance): Record<string, string> {
  return {
    [`x-ratelimit-limit-${kind}`]: String(limit),
    [`x-ratelimit-remaining-${kind}`]: String(remaining),
    [`x-ratelimit-reset-${kind}`]: formatDuration(resetMs),
  }
}

/** `12ms`, `8.64s`, `6m0s`. */
function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`
  const minutes = Math.floor(ms / 60_000)
  return `${minutes > 0 ? `${minutes}m` : ""}${Math.ceil(ms - minutes * 60_000) / 1000}s`
}

function startsWithTool(answer: Answer): boolean {
  return answer.parts[0]?.kind === "tool_call"
}
