import { isObject } from "../core/contracts/members.ts"
import type { RequestStatus } from "../core/outcome.ts"
import type { ChatChoice, ThinkingBlock, ToolCall, Usage } from "../core/request.ts"

export type AnswerBlock =
  | { type: "text"; text: string; citations: null }
  | { type: "tool_use"; id: string; name: string; input: unknown; caller: { type: "direct" } }
  | ThinkingBlock

/** An answer in Anthropic's shape, with every member that its SDK's types promise. */
export interface AnthropicMessage {
  id: string
  type: "message"
  role: "assistant"
  model: string
  content: AnswerBlock[]
  stop_reason: string | null
  stop_sequence: string | null
  stop_details: { type: "refusal"; category: null; explanation: string | null } | null
  container: null
  diagnostics: null
  usage: MessageUsage
}

interface MessageUsage {
  /** Without what was read from the cache or written to it. */
  input_tokens: number
  cache_creation_input_tokens: number
  cache_read_input_tokens: number
  output_tokens: number
  output_tokens_details: { thinking_tokens: number } | null
  cache_creation: null
  server_tool_use: null
  service_tier: null
  inference_geo: null
  speed: null
}

const STOP_REASONS: Record<ChatChoice["finish_reason"], string> = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  content_filter: "refusal",
}

/** A completed request as Anthropic answers it; null: it has no answer. */
export function toMessage({
  requestId,
  response,
  usage,
}: Pick<RequestStatus, "requestId" | "response" | "usage">): AnthropicMessage | null {
  const choice = response?.choices[0]
  if (response === null || choice === undefined) return null
  return {
    ...startMessage(requestId, response.model),
    content: [...thoughtsOf(choice), ...textsOf(choice), ...(choice.message.tool_calls ?? []).map(toToolUse)],
    ...stopOf(choice),
    usage: usageOf(usage),
  }
}

/** The message before anything of it is known. Its id tells the request: `msg_` for `req_`. */
export function startMessage(requestId: string, model: string): AnthropicMessage {
  return {
    id: requestId.replace(/^req_/, "msg_"),
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    diagnostics: null,
    usage: usageOf(null),
  }
}

function thoughtsOf({ message }: ChatChoice): ThinkingBlock[] {
  if (message.thinking_blocks !== undefined) return message.thinking_blocks
  const { reasoning_content: thinking = "" } = message
  // Other vendors sign nothing; Anthropic's clients expect the member.
  return thinking === "" ? [] : [{ type: "thinking", thinking, signature: "" }]
}

function textsOf({ message }: ChatChoice): AnswerBlock[] {
  return message.content === null || message.content === ""
    ? []
    : [{ type: "text", text: message.content, citations: null }]
}

function toToolUse({ id, function: { name, arguments: text } }: ToolCall): AnswerBlock {
  return { type: "tool_use", id, name, input: readInput(text), caller: { type: "direct" } }
}

/** Arguments are text that a model wrote: Anthropic's input is an object, whatever it wrote. */
function readInput(text: string): unknown {
  if (text.trim() === "") return {}
  try {
    const input: unknown = JSON.parse(text)
    if (isObject(input)) return input
  } catch {}
  return { invalid_arguments: text }
}

function stopOf({
  finish_reason,
  stop_sequence,
  message,
}: ChatChoice): Pick<AnthropicMessage, "stop_reason" | "stop_sequence" | "stop_details"> {
  const isRefusal = finish_reason === "content_filter" || Boolean(message.refusal)
  const explanation = message.refusal ?? null
  if (isRefusal) {
    return {
      stop_reason: "refusal",
      stop_sequence: null,
      stop_details: { type: "refusal", category: null, explanation },
    }
  }
  const stop_reason = stop_sequence === undefined ? STOP_REASONS[finish_reason] : "stop_sequence"
  return { stop_reason, stop_sequence: stop_sequence ?? null, stop_details: null }
}

function usageOf(usage: Usage | null): MessageUsage {
  const { inputTokens = 0, cachedInputTokens = 0, cacheWriteInputTokens = 0 } = usage ?? {}
  const { outputTokens = 0, reasoningTokens = 0 } = usage ?? {}
  return {
    input_tokens: inputTokens - cachedInputTokens - cacheWriteInputTokens,
    cache_creation_input_tokens: cacheWriteInputTokens,
    cache_read_input_tokens: cachedInputTokens,
    output_tokens: outputTokens,
    output_tokens_details: reasoningTokens > 0 ? { thinking_tokens: reasoningTokens } : null,
    cache_creation: null,
    server_tool_use: null,
    service_tier: null,
    inference_geo: null,
    speed: null,
  }
}
