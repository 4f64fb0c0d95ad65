import { expect, test } from "vitest"
import { readQuotas as readAnthropic } from "../../src/providers/anthropic-messages/errors.ts"
import { readQuotas as readOpenAi } from "../../src/providers/openai-chat/errors.ts"

const NOW = Date.parse("2026-11-24T10:00:00Z")

test("OpenAI's headers", () => {
  const headers = new Headers({
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-limit-tokens": "30000",
    "x-ratelimit-remaining-tokens": "0",
    "x-ratelimit-reset-tokens": "6m0s",
  })
  expect(readOpenAi(headers, NOW)).toEqual({
    requests: { limit: 500, remaining: 499, fullAt: NOW + 120 },
    tokens: { limit: 30_000, remaining: 0, fullAt: NOW + 360_000 },
  })
})

test("Anthropic's headers: of input and output tokens the smaller share counts", () => {
  const allowance = (kind: string, limit: string, remaining: string) => ({
    [`anthropic-ratelimit-${kind}-limit`]: limit,
    [`anthropic-ratelimit-${kind}-remaining`]: remaining,
    [`anthropic-ratelimit-${kind}-reset`]: "2026-11-24T10:00:30Z",
  })
  const headers = new Headers({
    ...allowance("requests", "50", "49"),
    ...allowance("input-tokens", "40000", "39000"),
    ...allowance("output-tokens", "8000", "1000"),
  })
  expect(readAnthropic(headers, NOW)).toEqual({
    requests: { limit: 50, remaining: 49, fullAt: NOW + 30_000 },
    tokens: { limit: 8000, remaining: 1000, fullAt: NOW + 30_000 },
  })
})

test.each([
  ["none", {}],
  ["no reset", { "x-ratelimit-limit-requests": "5", "x-ratelimit-remaining-requests": "4" }],
  [
    "nonsense",
    {
      "x-ratelimit-limit-requests": "many",
      "x-ratelimit-remaining-requests": "-1",
      "x-ratelimit-reset-requests": "soon",
    },
  ],
])("headers that tell nothing: %s", (_name, headers) => {
  expect(readOpenAi(new Headers(headers), NOW)).toBeNull()
})
