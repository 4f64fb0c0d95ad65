import { isObject, type JsonObject, type VendorError } from "./wire-format.ts"

/** The parameters of chat completions as of November 2026; the vendor refuses every other. */
const PARAMETERS = new Set(
  `messages model audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens
  max_tokens metadata modalities moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key
  prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed
  service_tier stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity
  web_search_options`.split(/\s+/),
)
const ROLES = ["system", "assistant", "user", "function", "tool", "developer"]
const PART_TYPES = ["text", "image_url", "input_audio", "refusal", "file"]
const REASONING_MODEL = /^(o\d|gpt-5)/

function invalid(message: string, param?: string, code: string | null = null): VendorError {
  const base = { status: 400, type: "invalid_request_error", code, message }
  return param === undefined ? base : { ...base, param }
}

const missing = (param: string): VendorError =>
  invalid(`Missing required parameter: '${param}'.`, param, "missing_required_parameter")

const wrongType = (param: string, expected: string, value: unknown): VendorError =>
  invalid(
    `Invalid type for '${param}': expected ${expected}, but got ${nameOf(value)} instead.`,
    param,
    "invalid_type",
  )

/** What OpenAI would refuse about a chat completion request, in its words; null: nothing. */
export function checkOpenAi(body: JsonObject): VendorError | null {
  if (typeof body.model !== "string" || body.model === "")
    return invalid("you must provide a model parameter")
  const unknown = Object.keys(body).find((name) => !PARAMETERS.has(name))
  if (unknown !== undefined) return invalid(`Unknown parameter: '${unknown}'.`, unknown, "unknown_parameter")
  return checkMessages(body.messages) ?? checkLimits(body, body.model) ?? checkTools(body.tools)
}

function checkMessages(messages: unknown): VendorError | null {
  if (messages === undefined) return missing("messages")
  if (!Array.isArray(messages)) return wrongType("messages", "an array of objects", messages)
  if (messages.length === 0) {
    return invalid(
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      "messages",
      "empty_array",
    )
  }
  for (const [index, message] of messages.entries()) {
    const problem = checkMessage(message, `messages[${index}]`)
    if (problem !== null) return problem
  }
  return checkToolResults(messages)
}

function checkMessage(message: unknown, at: string): VendorError | null {
  if (!isObject(message)) return wrongType(at, "an object", message)
  const { role, content, tool_calls } = message
  if (role === undefined) return missing(`${at}.role`)
  if (typeof role !== "string" || !ROLES.includes(role)) {
    const roles = "'system', 'assistant', 'user', 'function', 'tool', and 'developer'"
    const text = `Invalid value: '${String(role)}'. Supported values are: ${roles}.`
    return invalid(text, `${at}.role`, "invalid_value")
  }
  if (content === undefined || content === null) {
    if (role === "assistant" && Array.isArray(tool_calls)) return null
    return content === null
      ? invalid(`Invalid value for 'content': expected a string, got null.`, `${at}.content`)
      : missing(`${at}.content`)
  }
  if (role === "tool" && typeof message.tool_call_id !== "string") return missing(`${at}.tool_call_id`)
  if (typeof content === "string") return null
  if (!Array.isArray(content))
    return wrongType(`${at}.content`, "one of a string or array of objects", content)
  for (const [index, part] of content.entries()) {
    const problem = checkPart(part, `${at}.content[${index}]`)
    if (problem !== null) return problem
  }
  return null
}

function checkPart(part: unknown, at: string): VendorError | null {
  if (!isObject(part)) return wrongType(at, "an object", part)
  if (typeof part.type !== "string" || !PART_TYPES.includes(part.type)) {
    const types = "'text', 'image_url', 'input_audio', 'refusal', and 'file'"
    const text = `Invalid value: '${String(part.type)}'. Supported values are: ${types}.`
    return invalid(text, `${at}.type`, "invalid_value")
  }
  if (part.type === "text" && typeof part.text !== "string") return missing(`${at}.text`)
  if (part.type !== "image_url") return null
  if (!isObject(part.image_url)) return wrongType(`${at}.image_url`, "an object", part.image_url)
  return typeof part.image_url.url === "string" ? null : missing(`${at}.image_url.url`)
}

/** Each tool message answers a call of the assistant message before it, and each call is answered. */
function checkToolResults(messages: unknown[]): VendorError | null {
  let open = new Set<string>()
  for (const [index, message] of messages.entries()) {
    if (!isObject(message)) continue
    if (message.role === "tool") {
      if (!open.delete(String(message.tool_call_id))) {
        const text =
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
        return invalid(text, `messages.[${index}].role`)
      }
      continue
    }
    if (open.size > 0) return unanswered(open, index)
    const calls = Array.isArray(message.tool_calls) ? message.tool_calls : []
    open = new Set(calls.map((call) => String(Object(call).id)))
  }
  return open.size > 0 ? unanswered(open, messages.length) : null
}

function unanswered(open: Set<string>, index: number): VendorError {
  const text = "An assistant message with 'tool_calls' must be followed by tool messages responding to each"
  const ids = [...open].join(", ")
  return invalid(
    `${text} 'tool_call_id'. The following tool_call_ids did not have response messages: ${ids}`,
    `messages.[${index}].role`,
  )
}

function checkLimits(body: JsonObject, model: string): VendorError | null {
  const { max_tokens, max_completion_tokens, temperature, stream, stream_options } = body
  if (max_tokens !== undefined && REASONING_MODEL.test(model)) {
    const text = "Unsupported parameter: 'max_tokens' is not supported with this model."
    return invalid(`${text} Use 'max_completion_tokens' instead.`, "max_tokens", "unsupported_parameter")
  }
  for (const [name, value] of Object.entries({ max_tokens, max_completion_tokens })) {
    if (value === undefined || value === null) continue
    if (!Number.isInteger(value)) return wrongType(name, "an integer", value)
    if (Number(value) < 1) {
      const text = `Invalid '${name}': integer below minimum value. Expected a value >= 1, but got ${value} instead.`
      return invalid(text, name, "integer_below_min_value")
    }
  }
  if (temperature !== undefined && temperature !== null) {
    if (typeof temperature !== "number") return wrongType("temperature", "a decimal", temperature)
    if (temperature < 0 || temperature > 2) {
      return invalid(
        "Invalid 'temperature': expected a value between 0 and 2.",
        "temperature",
        "invalid_value",
      )
    }
  }
  if (stream_options !== undefined && stream !== true) {
    return invalid(
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      "stream_options",
    )
  }
  return null
}

function checkTools(tools: unknown): VendorError | null {
  if (tools === undefined) return null
  if (!Array.isArray(tools)) return wrongType("tools", "an array of objects", tools)
  for (const [index, tool] of tools.entries()) {
    if (!isObject(tool) || tool.type === undefined) return missing(`tools[${index}].type`)
    if (tool.type !== "function") continue
    if (!isObject(tool.function)) return missing(`tools[${index}].function`)
    const name = String(tool.function.name ?? "")
    if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name)) {
      const at = `tools[${index}].function.name`
      return invalid(
        `Invalid '${at}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`,
        at,
        "invalid_value",
      )
    }
  }
  return null
}

function nameOf(value: unknown): string {
  if (value === null) return "null"
  if (Array.isArray(value)) return "an array"
  return typeof value === "object" ? "an object" : `a ${typeof value}`
}
