import { isObject } from "../json.ts"

/** Functions in Anthropic's shape; what is none passes through, such as Anthropic's own server tools. */
export function toTools(tools: unknown[]): unknown[] {
  return tools.map((tool) => {
    if (!isObject(tool) || tool.type !== "function" || !isObject(tool.function)) return tool
    const { name, description, parameters, strict } = tool.function
    return {
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
