import type { IncomingHttpHeaders } from "node:http"
import { isObject, type JsonObject, type VendorError } from "./wire-format.ts"

/** The version that dropped the sampling parameters. */
const WITHOUT_SAMPLING = "2026-10-21"
const SAMPLING = ["temperature", "top_p", "top_k"]
/** The parameters of the Messages API as of November 2026; the vendor refuses every other. */
const PARAMETERS = new Set(
  `max_tokens messages model cache_control container diagnostics inference_geo mcp_servers metadata
  output_config service_tier speed stop_sequences stream system thinking tool_choice tools user_profile_id
  workspace_id`.split(/\s+/),
)
const BLOCK_TYPES = [
  "container_upload",
  "document",
  "image",
  "redacted_thinking",
  "search_result",
  "text",
  "thinking",
  "tool_result",
  "tool_use",
]

const invalid = (message: string): VendorError => ({
  status: 400,
  type: "invalid_request_error",
  code: null,
  message,
})

/** What Anthropic would refuse about a Messages request, in its words; null: nothing. */
export function checkAnthropic(body: JsonObject, headers: IncomingHttpHeaders): VendorError | null {
  const version = headers["anthropic-version"]
  if (typeof version !== "string") return invalid("anthropic-version: header is required")
  for (const name of ["model", "max_tokens", "messages"]) {
    if (body[name] === undefined) return invalid(`${name}: Field required`)
  }
  for (const name of Object.keys(body)) {
    const isSampling = SAMPLING.includes(name) && version < WITHOUT_SAMPLING
    if (!PARAMETERS.has(name) && !isSampling) return invalid(`${name}: Extra inputs are not permitted`)
  }
  return checkScalars(body) ?? checkSystem(body.system) ?? checkMessages(body.messages) ?? checkTools(body)
}

function checkScalars({ model, max_tokens, temperature }: JsonObject): VendorError | null {
  if (typeof model !== "string" || model === "")
    return invalid("model: String should have at least 1 character")
  if (!Number.isInteger(max_tokens)) return invalid("max_tokens: Input should be a valid integer")
  if (Number(max_tokens) < 1) return invalid("max_tokens: Input should be greater than or equal to 1")
  if (temperature === undefined) return null
  if (typeof temperature !== "number") return invalid("temperature: Input should be a valid number")
  return temperature < 0 || temperature > 1 ? invalid("temperature: range: 0..1") : null
}

function checkSystem(system: unknown): VendorError | null {
  if (system === undefined || typeof system === "string") return null
  if (!Array.isArray(system)) return invalid("system: Input should be a valid list")
  const isBad = (block: unknown): boolean => !isObject(block) || block.type !== "text" || block.text === ""
  return system.some(isBad) ? invalid("system: text content blocks must be non-empty") : null
}

function checkMessages(messages: unknown): VendorError | null {
  if (!Array.isArray(messages)) return invalid("messages: Input should be a valid list")
  if (messages.length === 0) return invalid("messages: at least one message is required")
  for (const [index, message] of messages.entries()) {
    const isLast = index === messages.length - 1
    const problem = checkMessage(message, `messages.${index}`, isLast)
    if (problem !== null) return problem
  }
  if (Object(messages[0]).role !== "user") return invalid('messages: first message must use the "user" role')
  return checkToolResults(messages)
}

function checkMessage(message: unknown, at: string, isLast: boolean): VendorError | null {
  if (!isObject(message)) return invalid(`${at}: Input should be a valid dictionary`)
  const { role, content } = message
  if (role === "system") {
    return invalid(
      'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message role.',
    )
  }
  if (role !== "user" && role !== "assistant") {
    return invalid(`${at}.role: Input should be 'user' or 'assistant'`)
  }
  if (content === undefined || content === null) return invalid(`${at}.content: Field required`)
  if (typeof content !== "string" && !Array.isArray(content)) {
    return invalid(`${at}.content: Input should be a valid list`)
  }
  if (content.length === 0 && !(role === "assistant" && isLast)) {
    return invalid(
      `${at}: all messages must have non-empty content except for the optional final assistant message`,
    )
  }
  if (typeof content === "string") return null
  for (const [index, block] of content.entries()) {
    const problem = checkBlock(block, `${at}.content.${index}`)
    if (problem !== null) return problem
  }
  return null
}

function checkBlock(block: unknown, at: string): VendorError | null {
  if (!isObject(block)) return invalid(`${at}: Input should be a valid dictionary`)
  const { type, text, input, source } = block
  if (typeof type !== "string" || !BLOCK_TYPES.includes(type)) {
    const tags = BLOCK_TYPES.map((name) => `'${name}'`).join(", ")
    return invalid(
      `${at}: Input tag '${String(type)}' found using 'type' does not match any of the expected tags: ${tags}`,
    )
  }
  if (type === "text" && typeof text !== "string") return invalid(`${at}.text.text: Field required`)
  if (type === "text" && text === "") return invalid("messages: text content blocks must be non-empty")
  if (type === "tool_use") {
    if (typeof block.id !== "string") return invalid(`${at}.tool_use.id: Field required`)
    if (!isObject(input)) return invalid(`${at}.tool_use.input: Input should be a valid dictionary`)
  }
  if (type === "tool_result" && typeof block.tool_use_id !== "string") {
    return invalid(`${at}.tool_result.tool_use_id: Field required`)
  }
  return type === "image" ? checkImageSource(source, at) : null
}

function checkImageSource(source: unknown, at: string): VendorError | null {
  if (!isObject(source)) return invalid(`${at}.image.source: Field required`)
  if (source.type === "url" && typeof source.url === "string") return null
  if (source.type === "file" && typeof source.file_id === "string") return null
  const { type, media_type, data } = source
  if (type === "base64" && typeof media_type === "string" && typeof data === "string") return null
  return invalid(`${at}.image.source: Input should be a valid image source`)
}

/** Each tool result stands in the message right after its tool use, and each use has a result there. */
function checkToolResults(messages: unknown[]): VendorError | null {
  let open = new Set<string>()
  for (const [index, message] of messages.entries()) {
    const { content } = Object(message) as JsonObject
    const blocks: JsonObject[] = Array.isArray(content) ? content.filter(isObject) : []
    for (const [at, block] of blocks.entries()) {
      if (block.type === "tool_result" && !open.delete(String(block.tool_use_id))) {
        return invalid(
          `messages.${index}.content.${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${String(block.tool_use_id)}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
        )
      }
    }
    if (open.size > 0) {
      return invalid(
        `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${[...open].join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
      )
    }
    open = new Set(blocks.filter((block) => block.type === "tool_use").map((block) => String(block.id)))
  }
  return null
}

function checkTools({ tools, tool_choice }: JsonObject): VendorError | null {
  if (tool_choice !== undefined && (!isObject(tool_choice) || typeof tool_choice.type !== "string")) {
    return invalid("tool_choice: Input should be an object")
  }
  if (tools === undefined) return null
  if (!Array.isArray(tools)) return invalid("tools: Input should be a valid list")
  for (const [index, tool] of tools.entries()) {
    if (!isObject(tool) || typeof tool.name !== "string") {
      return invalid(`tools.${index}.custom.name: Field required`)
    }
    const isCustom = tool.type === undefined || tool.type === "custom"
    if (isCustom && !isObject(tool.input_schema)) {
      return invalid(`tools.${index}.custom.input_schema: Field required`)
    }
  }
  return null
}
