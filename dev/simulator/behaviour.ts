import * as z from "zod/mini"
import { ERROR_NAMES } from "./errors.ts"
import { PROVIDERS } from "./wire-format.ts"

/**
 * What goes wrong on the way, beside the errors a vendor tells in words:
 * - `reset`: the connection breaks before any header
 * - `redirect`: 302 to another address · `html`: 200 with a page instead of an answer
 * - `stall_headers`, `stall_first`, `stall`: silence before the headers, before the first event, after `afterTokens`
 * - `keep_alive`: headers, then only signs of life
 * - `cut`: the connection breaks after `afterTokens` · `end_early`: the body ends there as if it were whole
 * - `missing_done`: a whole stream without `[DONE]` or `message_stop`
 * - `malformed_json`, `invalid_utf8`: one event (or the body, when not streamed) is damaged
 */
const FAULTS = [
  "reset",
  "redirect",
  "html",
  "stall_headers",
  "stall_first",
  "stall",
  "keep_alive",
  "cut",
  "end_early",
  "missing_done",
  "malformed_json",
  "invalid_utf8",
] as const

const whole = (least: number, greatest: number) =>
  z.optional(z.int().check(z.minimum(least), z.maximum(greatest)))
const milliseconds = z.optional(z.number().check(z.minimum(0), z.maximum(3_600_000)))
/** 100 MB of text: a test of limits needs no more, and a typing error should not fill the memory. */
const MAX_TOKENS = 25_000_000

/** How one request is answered. Everything is optional; what is absent comes from the simulator's defaults. */
export const Behaviour = z.strictObject({
  headersLatencyMs: milliseconds,
  /** From the headers to the first token. */
  latencyMs: milliseconds,
  /** 0: all at once. */
  tokensPerSecond: z.optional(z.number().check(z.minimum(0))),
  /** Length of the text; a token is four characters. */
  tokens: whole(0, MAX_TOKENS),
  /** The text itself, instead of a made-up one. */
  text: z.optional(z.string()),
  answer: z.optional(z.enum(["text", "empty", "tool_call", "refusal", "content_filter"])),
  /** How many tools are called at once. */
  toolCalls: whole(1, 32),
  /** The vendor's own finish word, such as `insufficient_system_resource` or `pause_turn`. */
  finish: z.optional(z.string()),
  reasoningTokens: whole(0, MAX_TOKENS),
  cachedTokens: whole(0, MAX_TOKENS),
  cacheWriteTokens: whole(0, MAX_TOKENS),
  /** With `afterTokens` it comes as an event in the middle of a stream, otherwise as an HTTP status. */
  error: z.optional(z.enum(ERROR_NAMES)),
  status: whole(300, 599),
  code: z.optional(z.string()),
  message: z.optional(z.string()),
  /** Seconds, as `retry-after`. */
  retryAfter: z.optional(z.number().check(z.minimum(0))),
  /** As `retry-after-ms`. */
  retryAfterMs: z.optional(z.number().check(z.minimum(0))),
  /** Seconds from now, as `retry-after` in its form of an HTTP date. */
  retryAfterDate: z.optional(z.number()),
  shouldRetry: z.optional(z.boolean()),
  fault: z.optional(z.enum(FAULTS)),
  /** Where in the answer it goes wrong; default: half-way. */
  afterTokens: whole(0, MAX_TOKENS),
  /** How long a stall lasts; default: until the client leaves. */
  stallMs: milliseconds,
  /** Signs of life while waiting for the first token, so often; DeepSeek sends them by itself. */
  keepAliveMs: z.optional(z.number().check(z.minimum(1))),
  /** The body leaves in pieces of at most so many bytes, so also in the middle of a character. */
  splitBytes: whole(1, 65_536),
  /** Lines end in CRLF. */
  crlf: z.optional(z.boolean()),
})
export type Behaviour = z.infer<typeof Behaviour>

const Match = z.strictObject({
  provider: z.optional(z.enum(PROVIDERS)),
  model: z.optional(z.string()),
  /** Is contained in the last user message. */
  text: z.optional(z.string()),
  /** Only the nth call (from 1) among those that match otherwise. */
  nth: whole(1, Number.MAX_SAFE_INTEGER),
  /** Only every nth of them. */
  every: whole(1, Number.MAX_SAFE_INTEGER),
})

/** Which calls are answered how; after `times` of them the rule lets everything pass. */
export const Rule = z.strictObject({
  match: z.optional(Match),
  behaviour: Behaviour,
  times: whole(1, Number.MAX_SAFE_INTEGER),
})
export type Rule = z.infer<typeof Rule>

const DIRECTIVE = /\[\[sim:(.*?)\]\]/gs
const PAIR = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))/g
const MATCH_KEYS = ["provider", "model", "nth", "every"]

/**
 * Reads `[[sim: error=rate_limited retryAfter=2 times=1]]` out of a message; several directives take effect
 * one after the other. A mistake is a problem, in words: a directive that is silently ignored helps nobody.
 */
export function readDirectives(message: string): { rules: Rule[]; problem: string | null } {
  const rules: Rule[] = []
  for (const [, inner = ""] of message.matchAll(DIRECTIVE)) {
    const rest = inner.replace(PAIR, "").trim()
    if (rest !== "") return { rules: [], problem: `"${rest}" is not of the form key=value` }
    const rule: { match: Record<string, unknown>; behaviour: Record<string, unknown>; times?: unknown } = {
      match: {},
      behaviour: {},
    }
    for (const [, key = "", quoted, bare = ""] of inner.matchAll(PAIR)) {
      const value = quoted === undefined ? readBare(bare) : quoted.replace(/\\(.)/g, "$1")
      if (key === "times") rule.times = value
      else if (MATCH_KEYS.includes(key)) rule.match[key] = value
      else rule.behaviour[key] = value
    }
    const parsed = Rule.safeParse(rule)
    if (!parsed.success) return { rules: [], problem: describeProblems(parsed.error) }
    rules.push(parsed.data)
  }
  return { rules, problem: null }
}

/** The message as a person would read it. */
export function withoutDirectives(message: string): string {
  return message.replace(DIRECTIVE, "").trim()
}

/** One line that names each field and what is wrong with it. */
export function describeProblems(error: z.core.$ZodError): string {
  return error.issues.map((issue) => `${issue.path.join(".") || "rule"} ${inWords(issue)}`).join("; ")
}

function inWords(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "unrecognized_keys":
      return `does not have ${issue.keys.join(", ")}`
    case "invalid_value":
      return `must be one of ${issue.values.join(", ")}`
    case "invalid_type":
      return `must be of type ${issue.expected}`
    case "too_small":
      return `must be at least ${issue.minimum}`
    case "too_big":
      return `must be at most ${issue.maximum}`
    default:
      return "is invalid"
  }
}

function readBare(text: string): unknown {
  if (text === "true" || text === "false") return text === "true"
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}
