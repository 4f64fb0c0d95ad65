import type { ChatMessage, ContentPart, ToolCall } from "../core/request.ts"
import type {
  ImageBlock,
  System,
  TextBlock,
  ToolResultBlock,
  ToolUseBlock,
  Turn,
} from "./anthropic-blocks.ts"

/**
 * Anthropic's turns as chat messages. `isNative`: all who may be called speak Anthropic's format, so what it alone
 * knows (cache marks, signed thoughts, failed tools, images from tools) goes along; others would refuse it.
 */
export function toMessages(system: System | undefined, turns: Turn[], isNative: boolean): ChatMessage[] {
  const opening: ChatMessage[] =
    system === undefined ? [] : [{ role: "system", content: toContent(system, isNative) }]
  return [...opening, ...turns.flatMap((turn) => toChatMessages(turn, isNative))]
}

function toChatMessages(turn: Turn, isNative: boolean): ChatMessage[] {
  switch (turn.role) {
    case "system":
      return [{ role: "system", content: toContent(turn.content, isNative) }]
    case "assistant":
      return [fromAssistant(turn.content, isNative)]
    case "user":
      return fromUser(turn.content, isNative)
  }
}

function fromAssistant(
  content: Extract<Turn, { role: "assistant" }>["content"],
  isNative: boolean,
): ChatMessage {
  if (typeof content === "string") return { role: "assistant", content }
  const texts = content.filter((block) => block.type === "text")
  const thoughts = content.filter((block) => block.type === "thinking" || block.type === "redacted_thinking")
  const toolUses = content.filter((block) => block.type === "tool_use")
  const reasoning = thoughts.map((block) => (block.type === "thinking" ? block.thinking : "")).join("")
  return {
    role: "assistant",
    content: texts.length === 0 && toolUses.length > 0 ? null : toContent(texts, isNative),
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    ...(isNative && thoughts.length > 0 ? { thinking_blocks: thoughts } : {}),
    ...(toolUses.length === 0 ? {} : { tool_calls: toolUses.map((block) => toToolCall(block, isNative)) }),
  }
}

/** Results first: OpenAI wants them right after the calls, and Anthropic wants them first in their turn. */
function fromUser(content: Extract<Turn, { role: "user" }>["content"], isNative: boolean): ChatMessage[] {
  if (typeof content === "string") return [{ role: "user", content }]
  const results = content.filter((block) => block.type === "tool_result")
  const others = content.filter((block) => block.type !== "tool_result")
  // Elsewhere a tool's result is text alone, so its images follow as the user's.
  const images = isNative ? [] : results.flatMap(imagesOf)
  const said = [...images, ...others]
  return [
    ...results.map((block) => toToolMessage(block, isNative)),
    ...(said.length === 0 ? [] : [{ role: "user" as const, content: toContent(said, isNative) }]),
  ]
}

function imagesOf({ content }: ToolResultBlock): ImageBlock[] {
  return Array.isArray(content) ? content.filter((block) => block.type === "image") : []
}

function toToolMessage(block: ToolResultBlock, isNative: boolean): ChatMessage {
  const { tool_use_id, content = "", is_error, cache_control } = block
  const kept =
    typeof content === "string" || isNative ? content : content.filter((part) => part.type === "text")
  return {
    role: "tool",
    tool_call_id: tool_use_id,
    content: toContent(kept, isNative),
    ...(isNative && is_error !== undefined ? { is_error } : {}),
    ...marked(cache_control, isNative),
  }
}

function toToolCall({ id, name, input, cache_control }: ToolUseBlock, isNative: boolean): ToolCall {
  const call = { name, arguments: JSON.stringify(input) }
  return { id, type: "function", function: call, ...marked(cache_control, isNative) }
}

/** A lone text becomes a string: not every endpoint takes parts. */
function toContent(content: string | (TextBlock | ImageBlock)[], isNative: boolean): string | ContentPart[] {
  if (typeof content === "string") return content
  const parts = content.map((block) => toPart(block, isNative))
  const [first] = parts
  if (first === undefined) return ""
  return parts.length === 1 && first.type === "text" && first.cache_control === undefined ? first.text : parts
}

function toPart(block: TextBlock | ImageBlock, isNative: boolean): ContentPart {
  const mark = marked(block.cache_control, isNative)
  if (block.type === "text") return { type: "text", text: block.text, ...mark }
  const { source } = block
  const url = source.type === "url" ? source.url : `data:${source.media_type};base64,${source.data}`
  return { type: "image_url", image_url: { url }, ...mark }
}

function marked(cacheControl: unknown, isNative: boolean): { cache_control?: unknown } {
  return isNative && cacheControl ? { cache_control: cacheControl } : {}
}
