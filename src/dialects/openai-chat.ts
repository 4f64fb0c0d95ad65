import { isObject, membersOf } from "../core/contracts/members.ts"
import { type ReadRequests, readRequest } from "../core/contracts/new-request.ts"
import { type Path, type Problem, problem } from "../core/contracts/problem.ts"
import type { RequestStatus } from "../core/outcome.ts"
import type { Target } from "../core/request.ts"
import { resolveModel } from "./models.ts"
import { type DialectRules, inVendorsWords, withoutNulls } from "./rules.ts"

/** A chat completion that was asked for: one request of ours, and how its answer is to come. */
export type ChatRead = ReadRequests & {
  stream: boolean
  /** The stream's last chunk is to tell the usage. */
  includeUsage: boolean
}

/** Where the vendor's body has what our request keeps elsewhere. */
const THEIR_NAMES = { provider: "/model", model: "/model", options: "" }

export const MODEL_RULE = "must be the name of a model, such as gpt-5-mini or anthropic/claude-sonnet-4-5"

/**
 * Reads the body of OpenAI's `POST /v1/chat/completions`, with its own paths in the problems. What the queue does not
 * use itself passes through to the provider; null means "not set" there, so it is left out.
 */
export function readChatBody(value: unknown, rules: DialectRules, at: Path = []): ChatRead {
  const { model, messages, metadata, stream, stream_options, n, ...options } = membersOf(value)
  const wishes = { stream: stream === true, includeUsage: membersOf(stream_options).include_usage === true }
  if (!isObject(value)) return { requests: null, problems: [problem(at, "must be an object")], ...wishes }

  const problems = [...streamProblems(stream, stream_options, at), ...unsupported({ n, ...options }, at)]
  if (typeof model !== "string" || model === "") problems.push(problem([...at, "model"], MODEL_RULE))
  const asked = typeof model === "string" ? model : ""
  const target: Target = resolveModel(asked, "openai", rules.config)
  const request = {
    ...target,
    messages,
    options: withoutNulls(options),
    ...metadataOf(metadata),
    ...rules.given,
  }
  const read = readRequest(request, rules, at)
  const below = problem(at, "").path
  const found = read.problems.map((each) => inVendorsWords(each, below, THEIR_NAMES))
  // What is wrong with the model's name has been said.
  problems.push(...found.filter(({ path }) => !problems.some((known) => known.path === path)))
  if (read.requests === null || problems.length > 0) return { requests: null, problems, ...wishes }
  return { requests: read.requests, problems: [], ...wishes }
}

function streamProblems(stream: unknown, options: unknown, at: Path): Problem[] {
  const isFlag = (value: unknown) => value === undefined || value === null || typeof value === "boolean"
  const problems: Problem[] = []
  if (!isFlag(stream)) problems.push(problem([...at, "stream"], "must be true or false"))
  if (options !== undefined && options !== null && !isObject(options)) {
    problems.push(problem([...at, "stream_options"], "must be an object"))
  } else if (!isFlag(membersOf(options).include_usage)) {
    problems.push(problem([...at, "stream_options", "include_usage"], "must be true or false"))
  }
  return problems
}

/** One request has one answer, of text and tool calls. */
function unsupported({ n, modalities, audio }: Record<string, unknown>, at: Path): Problem[] {
  const problems: Problem[] = []
  if (n !== undefined && n !== null && n !== 1) {
    problems.push(problem([...at, "n"], "is not supported beyond 1: send several requests", "not_supported"))
  }
  const silent = !Array.isArray(modalities) || modalities.every((each) => each === "text")
  if (!silent) problems.push(problem([...at, "modalities"], "is not supported beyond text", "not_supported"))
  else if (isObject(audio)) problems.push(problem([...at, "audio"], "is not supported", "not_supported"))
  return problems
}

export function metadataOf(metadata: unknown): { metadata?: unknown } {
  return metadata === undefined || metadata === null ? {} : { metadata }
}

/** A completed request as OpenAI answers it: with every member that its SDK's types promise. */
export function toChatCompletion({ requestId, state, response, simulated }: RequestStatus): object | null {
  if (state !== "completed" || response === null) return null
  return {
    ...response,
    id: response.id || requestId,
    choices: response.choices.map(({ message, ...choice }) => ({
      logprobs: null,
      ...choice,
      message: { refusal: null, ...message },
    })),
    ...(simulated ? { simulated } : {}),
  }
}
