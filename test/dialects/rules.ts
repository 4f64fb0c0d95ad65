import { parseConfig } from "../../src/core/config.ts"
import type { RequestStatus } from "../../src/core/outcome.ts"
import type { ChatChoice } from "../../src/core/request.ts"
import type { DialectRules } from "../../src/dialects/rules.ts"

const { config } = parseConfig({
  ADMIN_API_KEY: "an-admin-key-for-the-tests",
  UPSTASH_REDIS_REST_URL: "https://store.test",
  UPSTASH_REDIS_REST_TOKEN: "token",
  OPENAI_API_KEY: "a",
  ANTHROPIC_API_KEY: "b",
})
if (config === null) throw new Error("the settings are bad")

export const REQUEST_ID = "req_1m8650amf00005356tsz986pq7"

export const rules: DialectRules = {
  ...{ config, organizationId: "org-1", now: 1_800_000_000_000, newRequestId: () => REQUEST_ID },
  given: { priority: "high", timeoutMs: 5000 },
}

/** A completed request, with `changes` to it and to its answer's choice. */
export function statusOf(
  changes: Partial<RequestStatus> = {},
  choice: Partial<ChatChoice> = {},
): RequestStatus {
  return {
    ...{ requestId: REQUEST_ID, provider: "openai", model: "gpt-5", fallbacks: [], priority: "normal" },
    ...{ organizationId: "org-1", createdAt: 1000, scheduledAt: null, deadlineAt: null, timeoutMs: 30_000 },
    ...{ maxRetries: 3, resultTtlSeconds: 60, metadata: {}, simulated: false, state: "completed" },
    ...{
      position: null,
      estimatedStartAt: null,
      replays: 0,
      startedAt: 1500,
      finishedAt: 2500,
      attempts: [],
    },
    ...{ costUsd: null, error: null, callback: null, batchId: null },
    usage: {
      inputTokens: 3,
      cachedInputTokens: 0,
      cacheWriteInputTokens: 0,
      outputTokens: 2,
      reasoningTokens: 0,
    },
    response: {
      ...{ id: "chatcmpl-1", object: "chat.completion", created: 1, model: "gpt-5" },
      choices: [
        { index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop", ...choice },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    },
    ...changes,
  }
}
