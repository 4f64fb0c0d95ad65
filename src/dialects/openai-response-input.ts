import { membersOf } from "../core/contracts/members.ts"
import { type Path, type Problem, problem } from "../core/contracts/problem.ts"

/** Messages in chat format, not checked yet, and where each came from: the number of its item and those of its calls'; null: the instructions. */
export interface InputRead {
  messages: unknown[]
  origins: (number[] | null)[]
  problems: Problem[]
}

const ROLES = ["user", "assistant", "system", "developer"]
const MESSAGE_RULE =
  'must be a message with a role, or have the type "function_call" or "function_call_output"'

/** What `POST /v1/responses` has in `instructions` and `input`: a text, or items. */
export function readInput(instructions: unknown, input: unknown, at: Path): InputRead {
  const read: InputRead = { messages: [], origins: [], problems: [] }
  const add = (origin: number | null, message: unknown) => {
    read.messages.push(message)
    read.origins.push(origin === null ? null : [origin])
  }
  if (typeof instructions === "string") {
    if (instructions !== "") add(null, { role: "developer", content: instructions })
  } else if (instructions !== undefined && instructions !== null) {
    read.problems.push(problem([...at, "instructions"], "must be a string"))
  }
  const items = typeof input === "string" ? [{ role: "user", content: input }] : input
  if (!Array.isArray(items) || items.length === 0) {
    read.problems.push(problem([...at, "input"], "must be a text, or messages and calls, at least one"))
    return read
  }
  for (const [i, item] of items.entries()) {
    const { type = "message", role, content, call_id, name, arguments: given, output } = membersOf(item)
    if (type === "message" && ROLES.includes(String(role))) add(i, { role, content: toContent(content) })
    else if (type === "function_call") {
      addCall(read, i, { id: call_id, type: "function", function: { name, arguments: given } })
    } else if (type === "function_call_output") {
      add(i, { role: "tool", tool_call_id: call_id, content: toContent(output) })
    } else if (type !== "reasoning") {
      // Reasoning is its provider's own, and encrypted; another has no use for it.
      read.problems.push(problem([...at, "input", i], MESSAGE_RULE, "not_supported"))
    }
  }
  return read
}

/** Calls that were made together stand in one message. */
function addCall(read: InputRead, origin: number, call: unknown): void {
  const last = membersOf(read.messages.at(-1))
  if (last.role === "assistant") {
    const calls = Array.isArray(last.tool_calls) ? last.tool_calls : []
    read.messages[read.messages.length - 1] = { ...last, tool_calls: [...calls, call] }
    read.origins.at(-1)?.push(origin)
    return
  }
  read.messages.push({ role: "assistant", content: null, tool_calls: [call] })
  read.origins.push([origin, origin])
}

/** What a message's member is called in the items that it came from: `/tool_calls/1/id` is the `call_id` of its second call. */
export function inItemsWords([item = 0, ...calls]: number[], message: unknown, path: string): string {
  const [, index, member = ""] = /^\/tool_calls\/(\d+)(.*)$/.exec(path) ?? []
  if (index !== undefined) {
    return `/${calls[Number(index)] ?? item}${member.replace(/^\/function/, "").replace(/^\/id$/, "/call_id")}`
  }
  const content = membersOf(message).role === "tool" ? "/output" : "/content"
  const renamed = path.replace(/^\/tool_call_id/, "/call_id").replace(/^\/content/, content)
  return `/${item}${renamed.replace(/\/image_url\/url$/, "/image_url")}`
}

function toContent(content: unknown): unknown {
  return Array.isArray(content) ? content.map(toPart) : content
}

function toPart(part: unknown): unknown {
  const { type, text, refusal, image_url: url, detail } = membersOf(part)
  if (type === "input_text" || type === "output_text") return { type: "text", text }
  if (type === "refusal") return { type: "text", text: refusal }
  if (type !== "input_image") return part
  return { type: "image_url", image_url: { url, ...(detail === undefined ? {} : { detail }) } }
}
