import type { ChatMessage, ContentPart, ToolCall } from "../../core/request.ts"
import { isObject, parseOrNull } from "../json.ts"

type Block = Record<string, unknown> & { type: string }

interface WireMessage {
  role: "user" | "assistant"
  content: Block[]
}

/**
 * Messages as Anthropic takes them: the system's words apart, tool results inside user messages, and
 * turns that alternate, so that all results of one round of tool calls stand in one message.
 */
export function translateMessages(messages: ChatMessage[]): { system: Block[]; messages: WireMessage[] } {
  const system: Block[] = []
  const turns: WireMessage[] = []
  for (const message of messages) {
    if (message.role === "system" || message.role === "developer") {
      system.push(...contentBlocks(message.content))
      continue
    }
    const content = toBlocks(message)
    const role = message.role === "assistant" ? "assistant" : "user"
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...content)
    else if (content.length > 0) turns.push({ role, content })
  }
  return { system, messages: turns }
}

function toBlocks(message: ChatMessage): Block[] {
  switch (message.role) {
    case "assistant":
      // Other reasoning cannot go back: Anthropic takes only thoughts that carry its own signature.
      return [
        ...(message.thinking_blocks ?? []).map((thought) => ({ ...thought })),
        ...contentBlocks(message.content ?? ""),
        ...(message.tool_calls ?? []).map(toToolUse),
      ]
    case "tool":
      return [toToolResult(message)]
    default:
      return contentBlocks(message.content)
  }
}

/** Anthropic refuses empty text, which OpenAI's clients send freely beside tool calls. */
function contentBlocks(content: string | ContentPart[]): Block[] {
  const parts: ContentPart[] = typeof content === "string" ? [{ type: "text", text: content }] : content
  return parts.filter((part) => part.type !== "text" || part.text !== "").map(toBlock)
}

function toBlock(part: ContentPart): Block {
  if (part.type === "text") return { ...part }
  return { type: "image", source: toSource(part.image_url.url), ...markOf(part) }
}

function markOf({ cache_control }: { cache_control?: unknown }): { cache_control?: unknown } {
  return cache_control ? { cache_control } : {}
}

/** The vendor fetches URLs itself; nothing is ever fetched here. */
function toSource(url: string): Block {
  const comma = url.indexOf(",")
  const [mediaType = "", ...parameters] = url.slice(url.indexOf(":") + 1, comma).split(";")
  if (!url.startsWith("data:") || comma === -1 || !parameters.includes("base64")) return { type: "url", url }
  return { type: "base64", media_type: mediaType, data: url.slice(comma + 1) }
}

function toToolUse(call: ToolCall): Block {
  return {
    type: "tool_use",
    id: toToolId(call.id),
    name: call.function.name,
    input: toInput(call.function.arguments),
    ...markOf(call),
  }
}

function toToolResult(message: Extract<ChatMessage, { role: "tool" }>): Block {
  const { tool_call_id, content, is_error } = message
  const blocks = contentBlocks(content)
  return {
    type: "tool_result",
    tool_use_id: toToolId(tool_call_id),
    ...(blocks.length === 0 ? {} : { content: typeof content === "string" ? content : blocks }),
    ...(is_error ? { is_error } : {}),
    ...markOf(message),
  }
}

/** Other vendors' ids hold characters that Anthropic refuses; call and result change alike. */
function toToolId(id: string): string {
  return id.replace(/[^A-Za-z0-9_-]/g, "_")
}

/** Arguments are text that a model wrote, and need be no JSON: then the model sees its own words again. */
function toInput(text: string): Record<string, unknown> {
  if (text.trim() === "") return {}
  const input = parseOrNull(text)
  return isObject(input) ? input : { invalid_arguments: text }
}
