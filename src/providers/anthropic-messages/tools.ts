import { isObject } from "../json.ts"

/** What Anthropic alone knows of a function. */
const OWN_MEMBERS = [
  "allowed_callers",
  "cache_control",
  "defer_loading",
  "eager_input_streaming",
  "input_examples",
]

/** Functions in Anthropic's shape; what is none passes through, such as Anthropic's own server tools. */
export function toTools(tools: unknown[]): unknown[] {
  return tools.map((tool) => {
    if (!isObject(tool) || tool.type !== "function" || !isObject(tool.function)) return tool
    const { name, description, parameters, strict } = tool.function
    const own = OWN_MEMBERS.filter((member) => tool[member] != null)
    return {
      ...Object.fromEntries(own.map((member) => [member, tool[member]])),
      name,
      ...(description ? { description } : {}),
      input_schema: parameters ?? { type: "object", properties: {} },
      ...(typeof strict === "boolean" ? { strict } : {}),
    }
  })
}

/** null: nothing to say, so Anthropic decides, as OpenAI does. */
export function toToolChoice(choice: unknown, parallel: unknown): unknown {
  const base = toBaseChoice(choice)
  if (parallel !== false || (isObject(base) && base.type === "none")) return base
  return { ...(isObject(base) ? base : { type: "auto" }), disable_parallel_tool_use: true }
}

function toBaseChoice(choice: unknown): unknown {
  if (choice === "required") return { type: "any" }
  if (choice === "auto" || choice === "none") return { type: choice }
  if (isObject(choice) && choice.type === "function" && isObject(choice.function)) {
    return { type: "tool", name: choice.function.name }
  }
  return choice
}
