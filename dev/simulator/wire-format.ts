import type { IncomingHttpHeaders } from "node:http"

export const PROVIDERS = ["openai", "anthropic", "deepseek"] as const
export type ProviderName = (typeof PROVIDERS)[number]

export type JsonObject = Record<string, unknown>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** An error in one vendor's own words; each wire format puts it into its envelope. */
export interface VendorError {
  status: number
  type: string
  code: string | null
  message: string
  param?: string
}

/** What the simulator has to know of a request, whatever vendor it was written for. */
export interface ChatRequest {
  model: string
  stream: boolean
  /** OpenAI's `stream_options.include_usage`. */
  includeUsage: boolean
  lastUserText: string
  maxTokens: number | null
  tools: ToolOffer[]
  /** The caller insists on a tool: its name, or `any`. */
  forcedTool: string | null
  promptTokens: number
  /** The model thinks before it answers. */
  reasons: boolean
}

export interface ToolOffer {
  name: string
  /** JSON Schema of its arguments. */
  schema: unknown
}

/** A piece of an answer that is streamed as one block. For a tool call, `text` is its arguments as JSON. */
export type Part =
  | { kind: "reasoning" | "text" | "refusal"; text: string }
  | { kind: "tool_call"; text: string; id: string; name: string }

export type Finish = "stop" | "length" | "tool_calls" | "content_filter" | "refusal"

/** A whole answer before it is put on the wire. Tokens are counted as the vendors' own usage does. */
export interface Answer {
  id: string
  /** Seconds since the epoch, as OpenAI's `created`. */
  created: number
  model: string
  parts: Part[]
  finish: Finish
  /** The vendor's own finish word, where the script names one. */
  finishWord: string | null
  includeUsage: boolean
  usage: {
    /** Includes `cachedTokens` and `cacheWriteTokens`. */
    promptTokens: number
    cachedTokens: number
    cacheWriteTokens: number
    /** Includes `reasoningTokens`. */
    outputTokens: number
    reasoningTokens: number
  }
}

/** What is left of one of an account's limits, and how long until all of it is there again. */
export interface Allowance {
  limit: number
  remaining: number
  resetMs: number
}

/** null: the account has no such limit. A vendor that tells its limits in any case makes one up. */
export interface Allowances {
  requests: Allowance | null
  tokens: Allowance | null
}

/** A limit that only the call at hand has touched. */
export function nearlyUntouched(perMinute: number): Allowance {
  return { limit: perMinute, remaining: perMinute - 1, resetMs: 60_000 / perMinute }
}

/** One vendor's way of writing requests, answers, streams and errors. */
export interface WireFormat {
  provider: ProviderName
  chatPath: string
  modelsPath: string
  /** Whether the chain of thought is part of the answer, or only counted. */
  showsReasoning: boolean
  /** Whether a refusal has a text of its own, or is only a finish reason. */
  refusesInWords: boolean
  /** While it waits before the first token, this vendor writes keep-alives by itself so often, ms; 0: never. */
  keepAliveMs: number
  /** What is wrong with a request, as the vendor would put it; null: nothing. */
  check(body: JsonObject, headers: IncomingHttpHeaders): VendorError | null
  /** Only called with a body that `check` let pass. */
  read(body: JsonObject): ChatRequest
  headers(requestId: string, left: Allowances): Record<string, string>
  errorBody(error: VendorError, requestId: string): JsonObject
  models(): JsonObject
  completion(answer: Answer): JsonObject
  /** Server-sent events as text; an empty text means that the format has none at that point. */
  opening(answer: Answer): string
  partStart(answer: Answer, index: number): string
  partDelta(answer: Answer, index: number, text: string): string
  partStop(answer: Answer, index: number): string
  finish(answer: Answer): string
  terminator: string
  keepAlive: string
  errorEvent(error: VendorError, requestId: string): string
}
