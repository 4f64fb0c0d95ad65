import * as z from "zod/mini"
import { isObject, membersOf } from "../core/contracts/members.ts"
import { type ReadRequests, readRequest } from "../core/contracts/new-request.ts"
import { check, MAX_PROBLEMS, type Path, problem } from "../core/contracts/problem.ts"
import { modelName } from "../core/contracts/targets.ts"
import { whole } from "../core/contracts/whole.ts"
import type { Target } from "../core/request.ts"
import { readTurns, SystemField } from "./anthropic-blocks.ts"
import { toOptions } from "./anthropic-options.ts"
import { toMessages } from "./anthropic-turns.ts"
import { resolveModel } from "./models.ts"
import { type DialectRules, inVendorsWords } from "./rules.ts"

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
const MessagesBody = z.looseObject({
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

/** Where the vendor's body has what our request keeps elsewhere. */
const THEIR_NAMES = { provider: "/model", model: "/model", options: "", providerOptions: "" }

/** Reads the body of one Messages call as a request of ours. Problems carry the body's own paths, below `at`. */
export function readMessagesBody(value: unknown, rules: DialectRules, at: Path = []): ReadRequests {
  const read = check(MessagesBody, value, at)
  if (read.value === null && !isObject(value)) return { requests: null, problems: read.problems }
  const { messages } = membersOf(value)
  const isRead = Array.isArray(messages) && messages.length <= MAX_MESSAGES
  const { turns, problems } = readTurns(isRead ? messages : [], [...at, "messages"])
  problems.unshift(...read.problems)
  if (read.value === null || problems.length > 0)
    return { requests: null, problems: problems.slice(0, MAX_PROBLEMS) }
  const { model, messages: _, system, stream: _stream, ...others } = read.value
  const target = resolveModel(model, "anthropic", rules.config)
  const isNative = speaksAnthropic(target, rules)
  const { options, providerOptions, problems: unfit } = toOptions(others, isNative)
  const neutral = {
    ...target,
    messages: toMessages(system, turns, isNative),
    ...{ options, providerOptions },
    ...rules.given,
  }
  const requests = readRequest(neutral, rules, at)
  if (requests.requests !== null && unfit.length === 0) return requests
  const below = problem(at, "").path
  const found = [...unfit.map(({ path, ...each }) => ({ ...each, path: below + path })), ...requests.problems]
  return { requests: null, problems: found.map((each) => inVendorsWords(each, below, THEIR_NAMES)) }
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
