import { isObject, type JsonObject, type VendorError } from "./wire-format.ts"

const ROLES = ["system", "user", "assistant", "tool"]

const invalid = (message: string): VendorError => ({
  status: 400,
  type: "invalid_request_error",
  code: "invalid_request_error",
  message,
})

const undeserializable = (message: string): VendorError =>
  invalid(`Failed to deserialize the JSON body into the target type: ${message} at line 1 column 1`)

/** What DeepSeek would refuse, in its words; null: nothing. It ignores parameters it does not know. */
export function checkDeepSeek(body: JsonObject): VendorError | null {
  const { model, messages, max_tokens, temperature } = body
  if (messages === undefined) return undeserializable("missing field `messages`")
  if (!Array.isArray(messages)) return undeserializable("messages: invalid type, expected a sequence")
  if (typeof model !== "string") return undeserializable("missing field `model`")
  if (model === "") return invalid("Model Not Exist")
  if (messages.length === 0) return invalid("Empty input messages")
  for (const [index, message] of messages.entries()) {
    const problem = checkMessage(message, `messages[${index}]`)
    if (problem !== null) return problem
  }
  if (
    max_tokens !== undefined &&
    max_tokens !== null &&
    !(Number.isInteger(max_tokens) && Number(max_tokens) > 0)
  ) {
    return invalid("Invalid max_tokens value, the valid range of max_tokens is [1, 393216]")
  }
  if (typeof temperature === "number" && (temperature < 0 || temperature > 2)) {
    return invalid("Invalid temperature value, the valid range of temperature is [0, 2]")
  }
  return checkToolResults(messages)
}

function checkMessage(message: unknown, at: string): VendorError | null {
  if (!isObject(message)) return undeserializable(`${at}: invalid type, expected a map`)
  const { role, content, tool_calls } = message
  if (role === undefined) return undeserializable(`${at}: missing field \`role\``)
  if (typeof role !== "string" || !ROLES.includes(role)) {
    const expected = ROLES.map((name) => `\`${name}\``).join(", ")
    return undeserializable(`${at}.role: unknown variant \`${String(role)}\`, expected one of ${expected}`)
  }
  if ((content === undefined || content === null) && !(role === "assistant" && Array.isArray(tool_calls))) {
    return undeserializable(`${at}: missing field \`content\``)
  }
  if (role === "tool" && typeof message.tool_call_id !== "string") {
    return undeserializable(`${at}: missing field \`tool_call_id\``)
  }
  return null
}

/** A tool message without a call before it is refused. */
function checkToolResults(messages: unknown[]): VendorError | null {
  const called = new Set<string>()
  for (const message of messages) {
    if (!isObject(message)) continue
    for (const call of Array.isArray(message.tool_calls) ? message.tool_calls : []) {
      called.add(String(Object(call).id))
    }
    if (message.role === "tool" && !called.has(String(message.tool_call_id))) {
      return invalid("Messages with role 'tool' must be a response to a preceding message with 'tool_calls'")
    }
  }
  return null
}
