import { describe, expect, test } from "vitest"
import type { Quotas } from "../../src/core/limits.ts"
import { LIMIT_HEADERS as ANTHROPIC } from "../../src/providers/anthropic-messages/limits.ts"
import { LIMIT_HEADERS as OPENAI } from "../../src/providers/openai-chat/limits.ts"
import { readQuotas, readReset } from "../../src/providers/quotas.ts"

const NOW = Date.parse("2026-11-05T12:00:00Z")

/** The three headers of one allowance, in OpenAI's names and in Anthropic's. */
const told = (kind: string, limit: string, remaining: string, reset: string) => ({
  [`x-ratelimit-limit-${kind}`]: limit,
  [`x-ratelimit-remaining-${kind}`]: remaining,
  [`x-ratelimit-reset-${kind}`]: reset,
})
const toldByAnthropic = (kind: string, limit: string, remaining: string, reset: string) => ({
  [`anthropic-ratelimit-${kind}-limit`]: limit,
  [`anthropic-ratelimit-${kind}-remaining`]: remaining,
  [`anthropic-ratelimit-${kind}-reset`]: reset,
})
const quota = (limit: number, remaining: number, ms: number) => ({ limit, remaining, fullAt: NOW + ms })

describe("OpenAI's headers", () => {
  test.each<[string, Record<string, string>, Quotas | null]>([
    ["none", {}, null],
    [
      "both allowances",
      { ...told("requests", "60", "59", "1s"), ...told("tokens", "150000", "149984", "6m0s") },
      { requests: quota(60, 59, 1000), tokens: quota(150_000, 149_984, 360_000) },
    ],
    [
      "one alone",
      told("requests", "5000", "4999", "12ms"),
      { requests: quota(5000, 4999, 12), tokens: null },
    ],
    [
      "a project's limit that leaves less",
      { ...told("tokens", "2000000", "1000000", "30s"), ...told("project-tokens", "100000", "1000", "59s") },
      { requests: null, tokens: quota(100_000, 1000, 59_000) },
    ],
    [
      "a project's limit that leaves more",
      { ...told("tokens", "2000000", "1000000", "30s"), ...told("project-tokens", "100000", "90000", "6s") },
      { requests: null, tokens: quota(2_000_000, 1_000_000, 30_000) },
    ],
    [
      "more left than there is",
      told("requests", "60", "61", "0s"),
      { requests: quota(60, 60, 0), tokens: null },
    ],
    [
      "a reset in weeks",
      told("requests", "60", "1", "21d"),
      { requests: quota(60, 1, 86_400_000), tokens: null },
    ],
    ["a limit of nothing", told("requests", "0", "0", "1s"), null],
    ["no limit", told("requests", "-1", "-1", "1s"), null],
    ["no number", told("requests", "many", "59", "1s"), null],
    ["a number beyond all numbers", told("requests", "9".repeat(400), "59", "1s"), null],
    ["a fraction", told("requests", "60", "59.5", "1s"), null],
    ["a reset in another form", told("requests", "60", "59", "soon"), null],
    ["no reset", { "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59" }, null],
  ])("%s", (_, headers, expected) => {
    expect(readQuotas(new Headers(headers), OPENAI, NOW)).toEqual(expected)
  })
})

describe("Anthropic's headers", () => {
  const input = toldByAnthropic("input-tokens", "80000", "8000", "2026-11-05T12:00:54Z")
  const output = toldByAnthropic("output-tokens", "16000", "12000", "2026-11-05T12:00:15Z")

  test.each<[string, Record<string, string>, Quotas | null]>([
    [
      "the limit that binds, though its parts are told too",
      { ...toldByAnthropic("tokens", "96000", "96000", "2026-11-05T12:00:00Z"), ...input, ...output },
      { requests: null, tokens: quota(96_000, 96_000, 0) },
    ],
    [
      "of the parts the one that leaves less",
      { ...output, ...input },
      { requests: null, tokens: quota(80_000, 8000, 54_000) },
    ],
    ["one part alone", output, { requests: null, tokens: quota(16_000, 12_000, 15_000) }],
    [
      "a reset that is past",
      toldByAnthropic("requests", "1000", "999", "2026-11-05T11:59:59Z"),
      { requests: quota(1000, 999, 0), tokens: null },
    ],
    ["a duration for an instant", toldByAnthropic("requests", "1000", "999", "1s"), null],
  ])("%s", (_, headers, expected) => {
    expect(readQuotas(new Headers(headers), ANTHROPIC, NOW)).toEqual(expected)
  })
})

test.each<[string, Record<string, string>, number | null]>([
  ["nothing is used up", told("requests", "60", "1", "9m0s"), null],
  ["the requests are", told("requests", "60", "0", "1s"), 1000],
  ["both are", { ...told("requests", "60", "0", "1s"), ...told("tokens", "9", "0", "6m2.5s") }, 362_500],
  ["nobody says when it ends", told("requests", "60", "0", "soon"), null],
])("how long to wait when %s", (_, headers, expected) => {
  expect(readReset(new Headers(headers), OPENAI, NOW)).toBe(expected)
})
