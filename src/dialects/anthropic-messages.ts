import * as z from "zod/mini"
import { isObject, membersOf } from "../core/contracts/members.ts"
import { type ReadRequests, readRequest } from "../core/contracts/new-request.ts"
import { check, type Path, problem } from "../core/contracts/problem.ts"
import { modelName } from "../core/contracts/targets.ts"
import { whole } from "../core/contracts/whole.ts"
import type { Target } from "../core/request.ts"
import { readTurns, SystemField, type Turn } from "./anthropic-blocks.ts"
import { toOptions } from "./anthropic-options.ts"
import { toMessages } from "./anthropic-turns.ts"
import { resolveModel } from "./models.ts"
import { type DialectRules, inVendorsWords, withoutNulls } from "./rules.ts"

const MAX_MESSAGES = 1000
const MAX_TOOLS = 1000

const number = z.exactOptional(z.number({ error: "must be a number" }))
const fields = z.exactOptional(z.record(z.string(), z.unknown()))
const Tool = z.looseObject({
  type: z.exactOptional(z.nullable(z.string())),
  name: z.exactOptional(z.string().check(z.minLength(1))),
  input_schema: fields,
})

/** The body of Anthropic's `POST /v1/messages`, as far as it is translated; messages are read one by one. */
export const MessagesBody = z.looseObject({
  model: modelName,
  max_tokens: whole(1, 10_000_000),
  messages: z.array(z.unknown()).check(z.minLength(1), z.maxLength(MAX_MESSAGES)),
  system: SystemField,
  temperature: number,
  top_p: number,
  stop_sequences: z.exactOptional(z.array(z.string())),
  stream: z.exactOptional(z.boolean()),
  tools: z.exactOptional(z.pipe(z.array(z.unknown()).check(z.maxLength(MAX_TOOLS)), z.array(Tool))),
  tool_choice: z.exactOptional(
    z.discriminatedUnion("type", [
      z.looseObject({ type: z.enum(["auto", "any", "none"]) }),
      z.looseObject({ type: z.enum(["tool"]), name: z.string().check(z.minLength(1)) }),
    ]),
  ),
  thinking: fields,
  output_config: fields,
  metadata: fields,
})

type MessagesBody = z.infer<typeof MessagesBody>

/** A message that was asked for: one request of ours, and whether its answer is to come as a stream. */
export type MessagesRead = ReadRequests & { stream: boolean }

/** Where the vendor's body has what our request keeps elsewhere. */
const THEIR_NAMES = { provider: "/model", model: "/model", options: "", providerOptions: "" }

/** Reads the body of one Messages call. Problems carry the body's own paths, below `at`. null means "not set". */
export function readMessagesBody(value: unknown, rules: DialectRules, at: Path = []): MessagesRead {
  const members = withoutNulls(membersOf(value))
  const stream = members.stream === true
  if (!isObject(value)) return { requests: null, problems: [problem(at, "must be an object")], stream }
  const read = check(MessagesBody, members, at)
  const { messages } = members
  const isReadable = Array.isArray(messages) && messages.length <= MAX_MESSAGES
  const { turns, problems } = readTurns(isReadable ? messages : [], [...at, "messages"])
  problems.unshift(...read.problems)
  if (read.value === null || problems.length > 0) return { requests: null, problems, stream }
  return { ...translate(read.value, turns, rules, at), stream }
}

function translate(body: MessagesBody, turns: Turn[], rules: DialectRules, at: Path): ReadRequests {
  const { model, messages: _, system, stream: _stream, ...others } = body
  const target = resolveModel(model, "anthropic", rules.config)
  const isNative = speaksAnthropic(target, rules)
  const { problems, ...options } = toOptions(others, isNative, at)
  const messages = toMessages(system, turns, isNative)
  const read = readRequest({ ...target, messages, ...options, ...rules.given }, rules, at)
  if (read.requests !== null && problems.length === 0) return read
  const below = problem(at, "").path
  const found = read.problems.map((each) => inVendorsWords(each, below, THEIR_NAMES))
  return { requests: null, problems: [...problems, ...found] }
}

/** Whether all who may be called take Anthropic's format. */
function speaksAnthropic(target: Target, { config, given }: DialectRules): boolean {
  const { provider, model } = target
  const route = provider === "auto" ? config.routes[model] : undefined
  const fallbacks = Array.isArray(given.fallbacks) ? given.fallbacks.map(membersOf) : []
  return [...(route ?? [target]), ...fallbacks].every(
    (each) => config.providers[String(each.provider)]?.wireFormat === "anthropic-messages",
  )
}
