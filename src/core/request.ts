/** The vocabulary of `docs/architecture.md` as types. Times end in `At` (epoch ms), durations in `Ms`. */

export const PRIORITIES = ["critical", "high", "normal", "low"] as const
export type Priority = (typeof PRIORITIES)[number]

export const STATES = ["scheduled", "pending", "processing", "completed", "failed", "cancelled"] as const
export type RequestState = (typeof STATES)[number]
export const FINISHED_STATES = ["completed", "failed", "cancelled"] as const
export type FinishedState = (typeof FINISHED_STATES)[number]

/** Where Anthropic ends what it caches; others refuse the member. */
interface CacheMark {
  cache_control?: unknown
}

/** One part of a message's content, in OpenAI's chat format. */
export type ContentPart = CacheMark &
  (
    | { type: "text"; text: string }
    | { type: "image_url"; image_url: { url: string; detail?: "auto" | "low" | "high" } }
  )

export interface ToolCall extends CacheMark {
  id: string
  type: "function"
  function: { name: string; arguments: string }
}

/** A thought with Anthropic's signature, without which it does not take it back. */
export type ThinkingBlock =
  | { type: "thinking"; thinking: string; signature?: string }
  | { type: "redacted_thinking"; data: string }

/** A chat message as OpenAI's chat completions take it; every provider adapter translates from it. */
export type ChatMessage =
  | { role: "system" | "developer"; content: string | ContentPart[]; name?: string }
  | { role: "user"; content: string | ContentPart[]; name?: string }
  | {
      role: "assistant"
      content?: string | ContentPart[] | null
      name?: string
      tool_calls?: ToolCall[]
      reasoning_content?: string
      thinking_blocks?: ThinkingBlock[]
    }
  | ({ role: "tool"; content: string | ContentPart[]; tool_call_id: string; is_error?: boolean } & CacheMark)

/** What is called: kept as `body:<id>` until the request has its outcome. */
export interface RequestBody {
  messages: ChatMessage[]
  /** OpenAI chat-completion fields; unknown ones pass through. */
  options: Record<string, unknown>
  /** The vendor's own fields, merged last. */
  providerOptions: Record<string, unknown>
}

/** A provider and one of its models: where a request may be sent. */
export interface Target {
  provider: string
  model: string
}

/** One target of a route. `weight`: its share of the route's requests, beside the others'. */
export interface WeightedTarget extends Target {
  weight: number
}

/** What a callback may be told of. */
export const CALLBACK_EVENTS = ["request.completed", "request.failed", "request.cancelled"] as const
export type CallbackEvent = (typeof CALLBACK_EVENTS)[number]

/** Whom to tell when a request has ended. */
export interface Callback {
  url: string
  events: CallbackEvent[]
  /** The event carries the whole answer, not only what it came to. */
  includeResponse: boolean
}

/** What status shows and the drain decides by: kept in the record, and `metadata` beside it. */
export interface RequestHead {
  requestId: string
  /** As asked: `auto` with a route as model, else a provider. */
  provider: string
  model: string
  /** Where it may go instead, in this order, when its provider has trouble. */
  fallbacks: Target[]
  priority: Priority
  organizationId: string
  createdAt: number
  /** When the caller asked for it to be due first; null: at once. */
  scheduledAt: number | null
  deadlineAt: number | null
  timeoutMs: number
  maxRetries: number
  resultTtlSeconds: number
  metadata: Record<string, string>
  callback: Callback | null
  /** The batch that it is a line of. */
  batchId: string | null
  /** Served by the provider simulator instead of a vendor. */
  simulated: boolean
}

/** Tokens of one answer; counted the same way for every vendor. */
export interface Usage {
  /** Includes cached input and cache writes. */
  inputTokens: number
  cachedInputTokens: number
  cacheWriteInputTokens: number
  /** Includes reasoning. */
  outputTokens: number
  reasoningTokens: number
}

/** OpenAI's chat completion: the shape of every answer, whatever the vendor. */
export interface ChatCompletion {
  id: string
  object: "chat.completion"
  created: number
  model: string
  choices: ChatChoice[]
  usage: {
    prompt_tokens: number
    completion_tokens: number
    total_tokens: number
    prompt_tokens_details?: { cached_tokens: number }
    completion_tokens_details?: { reasoning_tokens: number }
  }
}

export interface ChatChoice {
  index: number
  message: {
    role: "assistant"
    content: string | null
    refusal?: string | null
    reasoning_content?: string
    thinking_blocks?: ThinkingBlock[]
    tool_calls?: ToolCall[]
  }
  /** Which of the request's stops it was, where the vendor says so. */
  stop_sequence?: string
  finish_reason: "stop" | "length" | "tool_calls" | "content_filter"
  logprobs?: unknown
}
