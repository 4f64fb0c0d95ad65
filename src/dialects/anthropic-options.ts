import { membersOf } from "../core/contracts/members.ts"
import { type Path, type Problem, problem } from "../core/contracts/problem.ts"
import type { RequestBody } from "../core/request.ts"

type Fields = Record<string, unknown>
type Options = Pick<RequestBody, "options" | "providerOptions">

/** Changes nothing of what the answer says, so other vendors do without. */
const DISPENSABLE = ["cache_control", "diagnostics", "service_tier", "speed", "top_k"]
/** Changes it, and no other vendor has it. */
const ANTHROPIC_ONLY = [
  "container",
  "context_management",
  "inference_geo",
  "mcp_servers",
  "user_profile_id",
  "workspace_id",
]
const ELSEWHERE = "works only with models that are served in Anthropic's own format"

/** What a budget of thinking tokens is worth in OpenAI's words. */
const EFFORT_BUDGETS = [
  [4096, "low"],
  [16_384, "medium"],
] as const

/**
 * What stands beside model, messages and system. `isNative`: all who may be called speak Anthropic's format, so what
 * has no neutral name goes to them as it is.
 */
export function toOptions(fields: Fields, isNative: boolean, at: Path): Options & { problems: Problem[] } {
  const { max_tokens, temperature, top_p, stop_sequences, tools, tool_choice, ...others } = fields
  const choice = membersOf(tool_choice)
  const shared = withoutUndefined({
    ...{ max_tokens, temperature, top_p },
    stop: stop_sequences,
    tools: Array.isArray(tools) ? tools.map((tool) => toTool(tool, isNative)) : tools,
    tool_choice: toToolChoice(choice),
    parallel_tool_calls: choice.disable_parallel_tool_use === true ? false : undefined,
  })
  if (isNative) return { options: shared, providerOptions: others, problems: [] }
  const { thinking, output_config, metadata, ...unknown } = others
  for (const name of DISPENSABLE) delete unknown[name]
  const options = withoutUndefined({
    ...unknown,
    ...shared,
    reasoning_effort: toEffort(membersOf(thinking), membersOf(output_config)),
    response_format: toFormat(membersOf(membersOf(output_config).format)),
    user: membersOf(metadata).user_id,
  })
  return {
    options,
    providerOptions: {},
    problems: [...fieldProblems(unknown, at), ...toolProblems(tools, at)],
  }
}

function fieldProblems(fields: Fields, at: Path): Problem[] {
  return ANTHROPIC_ONLY.filter((name) => fields[name] !== undefined).map((name) =>
    problem([...at, name], ELSEWHERE, "not_supported"),
  )
}

function toolProblems(tools: unknown, at: Path): Problem[] {
  if (!Array.isArray(tools)) return []
  return tools.flatMap((tool, i) =>
    isCustom(membersOf(tool)) ? [] : [problem([...at, "tools", i], ELSEWHERE, "not_supported")],
  )
}

/** The others are run, or their shape is known, by Anthropic itself. */
function isCustom({ type }: Fields): boolean {
  return type == null || type === "custom"
}

function toTool(tool: unknown, isNative: boolean): unknown {
  const { type, name, description, input_schema, strict, ...others } = membersOf(tool)
  if (!isCustom({ type })) return tool
  const called = withoutUndefined({ name, description, parameters: input_schema, strict })
  return { type: "function", function: called, ...(isNative ? others : {}) }
}

function toToolChoice({ type, name }: Fields): unknown {
  if (type === "any") return "required"
  return type === "tool" ? { type: "function", function: { name } } : type
}

/** undefined: nothing was asked for. To be told not to think is no effort that every model knows. */
function toEffort(thinking: Fields, { effort }: Fields): unknown {
  if (thinking.type === "disabled") return undefined
  if (typeof effort === "string") return effort === "max" ? "xhigh" : effort
  const budget = thinking.budget_tokens
  if (thinking.type !== "enabled" || typeof budget !== "number") return undefined
  return EFFORT_BUDGETS.find(([most]) => budget <= most)?.[1] ?? "high"
}

function toFormat({ type, schema }: Fields): unknown {
  if (type !== "json_schema") return undefined
  return { type, json_schema: { name: "answer", schema, strict: true } }
}

function withoutUndefined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
