import type { ChatMessage, RequestBody } from "../../core/request.ts"
import type { Dialect } from "./dialects.ts"

/** The neutral request is this format already; what is left are the dialect's differences. */
export function buildRequest(dialect: Dialect, model: string, body: RequestBody): Record<string, unknown> {
  return {
    ...nameMaxTokens(dialect, body.options),
    ...body.providerOptions,
    model,
    messages: body.messages.map((message) => toWireMessage(dialect, message)),
    stream: true,
    // Without it a stream carries no usage at all.
    stream_options: { include_usage: true },
  }
}

function nameMaxTokens(dialect: Dialect, options: Record<string, unknown>): Record<string, unknown> {
  if (dialect.maxTokensName === null) return options
  const { max_tokens, max_completion_tokens, ...others } = options
  const limit = max_completion_tokens ?? max_tokens
  return limit === undefined ? others : { ...others, [dialect.maxTokensName]: limit }
}

function toWireMessage(dialect: Dialect, message: ChatMessage): ChatMessage {
  if (message.role === "developer" && !dialect.developerRole) return { ...message, role: "system" }
  if (message.role !== "assistant") return message
  // Signed thoughts are for Anthropic alone; they come back with the answers of a route's other targets.
  const { thinking_blocks: _, ...unsigned } = message
  if (dialect.reasoningInput) return unsigned
  const { reasoning_content: _reasoning, ...others } = unsigned
  return others
}
