import { createChatFormat } from "./chat-completions.ts"
import { checkOpenAi } from "./openai-check.ts"
import type { Answer, WireFormat } from "./wire-format.ts"

const REQUESTS_PER_MINUTE = 10_000
const TOKENS_PER_MINUTE = 2_000_000

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
  headers: (requestId, inFlight) => ({
    "x-request-id": requestId,
    "openai-processing-ms": "12",
    "openai-version": "2020-10-01",
    "x-ratelimit-limit-requests": String(REQUESTS_PER_MINUTE),
    "x-ratelimit-remaining-requests": String(Math.max(0, REQUESTS_PER_MINUTE - inFlight)),
    "x-ratelimit-reset-requests": "6ms",
    "x-ratelimit-limit-tokens": String(TOKENS_PER_MINUTE),
    "x-ratelimit-remaining-tokens": String(TOKENS_PER_MINUTE - 1000),
    "x-ratelimit-reset-tokens": "30ms",
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

function startsWithTool(answer: Answer): boolean {
  return answer.parts[0]?.kind === "tool_call"
}
