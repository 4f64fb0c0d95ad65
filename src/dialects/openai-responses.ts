import { isObject, membersOf } from "../core/contracts/members.ts"
import { type ReadRequests, readRequest } from "../core/contracts/new-request.ts"
import { type Path, type Problem, problem } from "../core/contracts/problem.ts"
import { resolveModel } from "./models.ts"
import { MODEL_RULE, metadataOf } from "./openai-chat.ts"
import { inItemsWords, readInput } from "./openai-response-input.ts"
import { type DialectRules, inVendorsWords, withoutNulls } from "./rules.ts"

/** A response that was asked for: one request of ours, and whether to answer before it is finished. */
export type ResponseRead = ReadRequests & { background: boolean }

/** Members with the same name and meaning in chat completions. */
const SAME = [
  ...["temperature", "top_p", "user", "safety_identifier", "service_tier", "parallel_tool_calls"],
  ...["prompt_cache_key", "prompt_cache_retention"],
]
/** Members that are read, or say what is so anyway. */
const KNOWN = [
  ...["model", "instructions", "input", "metadata", "background", "stream", "max_output_tokens"],
  ...["reasoning", "text", "tools", "tool_choice", "store", "truncation", "include", "stream_options"],
]
const NOT_SUPPORTED: Record<string, string> = {
  stream: "is not supported here: use POST /v1/chat/completions to stream",
  previous_response_id: "is not supported: send the whole conversation as input",
  conversation: "is not supported: send the whole conversation as input",
}

/** Reads the body of OpenAI's `POST /v1/responses`, with its own paths in the problems. Text and function calls only. */
export function readResponseBody(value: unknown, rules: DialectRules, at: Path = []): ResponseRead {
  const body = withoutNulls(membersOf(value))
  const background = body.background === true
  if (!isObject(value)) return { requests: null, problems: [problem(at, "must be an object")], background }

  const { messages, origins, problems } = readInput(body.instructions, body.input, [...at])
  const options: Record<string, unknown> = {}
  for (const name of SAME) if (body[name] !== undefined) options[name] = body[name]
  if (body.max_output_tokens !== undefined) options.max_completion_tokens = body.max_output_tokens
  problems.push(
    ...unknownMembers(body, at),
    ...readReasoning(body.reasoning, options, at),
    ...readText(body.text, options, at),
    ...readTools(body, options, at),
  )
  const { model } = body
  if (typeof model !== "string" || model === "") problems.push(problem([...at, "model"], MODEL_RULE))
  const target = resolveModel(typeof model === "string" ? model : "", "openai", rules.config)
  const request = { ...target, messages, options, ...metadataOf(body.metadata), ...rules.given }
  const read = readRequest(request, rules, at)
  const below = problem(at, "").path
  const found = read.problems.map((each) => {
    const named = inVendorsWords(each, below, {
      provider: "/model",
      model: "/model",
      messages: "/input",
      options: "",
    })
    const [, index, deeper = ""] = /^\/input\/(\d+)(.*)$/.exec(named.path.slice(below.length)) ?? []
    const origin = index === undefined ? undefined : origins[Number(index)]
    if (origin === undefined) return named
    return {
      ...named,
      path: `${below}${origin === null ? "/instructions" : `/input${inItemsWords(origin, messages[Number(index)], deeper)}`}`,
    }
  })
  // What is wrong with the model's name, or the whole input, has been said.
  problems.push(...found.filter(({ path }) => !problems.some((known) => known.path === path)))
  if (read.requests === null || problems.length > 0) return { requests: null, problems, background }
  return { requests: read.requests, problems: [], background }
}

function unknownMembers(body: Record<string, unknown>, at: Path): Problem[] {
  const problems: Problem[] = []
  for (const [name, value] of Object.entries(body)) {
    const says = (message: string) => problems.push(problem([...at, name], message, "not_supported"))
    const isFlag = name === "background" || name === "stream" || name === "store"
    if (isFlag && typeof value !== "boolean") problems.push(problem([...at, name], "must be true or false"))
    else if (name === "stream" && value === false) continue
    else if (name === "truncation" && value !== "disabled") says('is not supported beyond "disabled"')
    else if (name === "include" && !(Array.isArray(value) && value.length === 0)) says("is not supported")
    else if (NOT_SUPPORTED[name] !== undefined) says(NOT_SUPPORTED[name])
    else if (!KNOWN.includes(name) && !SAME.includes(name)) says("is not supported here")
  }
  return problems
}

function readReasoning(reasoning: unknown, options: Record<string, unknown>, at: Path): Problem[] {
  const { effort, ...others } = withoutNulls(membersOf(reasoning))
  if (effort !== undefined) options.reasoning_effort = effort
  return Object.keys(others).map((name) =>
    problem([...at, "reasoning", name], "is not supported", "not_supported"),
  )
}

function readText(text: unknown, options: Record<string, unknown>, at: Path): Problem[] {
  const { format, verbosity } = withoutNulls(membersOf(text))
  if (verbosity !== undefined) options.verbosity = verbosity
  const { type = "text", ...schema } = membersOf(format)
  if (type === "json_schema") options.response_format = { type, json_schema: schema }
  else if (type === "json_object") options.response_format = { type }
  else if (type !== "text") {
    return [problem([...at, "text", "format", "type"], 'must be "text", "json_object" or "json_schema"')]
  }
  return []
}

function readTools(
  { tools, tool_choice: choice }: Record<string, unknown>,
  options: Record<string, unknown>,
  at: Path,
): Problem[] {
  const problems: Problem[] = []
  if (Array.isArray(tools) && tools.length > 0) {
    options.tools = tools.map((tool, i) => {
      const { type, ...declared } = membersOf(tool)
      if (!isObject(tool)) problems.push(problem([...at, "tools", i], "must be an object"))
      else if (type !== "function") {
        const rule = 'is not supported beyond "function"'
        problems.push(problem([...at, "tools", i, "type"], rule, "not_supported"))
      }
      return { type, function: withoutNulls(declared) }
    })
  } else if (tools !== undefined && !Array.isArray(tools)) {
    problems.push(problem([...at, "tools"], "must be an array"))
  }
  const { type, name } = membersOf(choice)
  if (typeof choice === "string") options.tool_choice = choice
  else if (type === "function") options.tool_choice = { type, function: { name } }
  else if (choice !== undefined) {
    const rule = 'is not supported beyond "auto", "none", "required" and a function'
    problems.push(problem([...at, "tool_choice"], rule, "not_supported"))
  }
  return problems
}
