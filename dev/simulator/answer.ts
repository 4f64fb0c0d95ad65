import { type Behaviour, withoutDirectives } from "./behaviour.ts"
import type { Answer, ChatRequest, Finish, Part, WireFormat } from "./wire-format.ts"

const CHARS_PER_TOKEN = 4
/** How much of a thought is shown when a model thinks and the script does not say. */
const DEFAULT_REASONING_TOKENS = 24
/** Not only ASCII: a reader that cuts characters in two shall be found out. */
const FILLER =
  "The queue kept its order, the naïve café in 北京 stayed open – and every request came back with one answer. "
const REFUSAL = "I'm sorry, but I can't help with that request."

/** Where token `index` begins: never between the halves of a surrogate pair. */
function tokenStart(text: string, index: number): number {
  const at = index * CHARS_PER_TOKEN
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at
}

export function countTokens(text: string): number {
  return Math.ceil(text.length / CHARS_PER_TOKEN)
}

/** Tokens `from` (included) to `to` (excluded). */
export function sliceTokens(text: string, from: number, to: number): string {
  return text.slice(tokenStart(text, from), tokenStart(text, to))
}

/** A rough size of everything that was sent, as tokens; an image counts as a thousand characters. */
export function countPromptTokens(value: unknown): number {
  return Math.max(1, Math.ceil(countChars(value) / CHARS_PER_TOKEN))
}

function countChars(value: unknown): number {
  if (typeof value === "string") return value.startsWith("data:image/") ? 1000 : value.length
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countChars(item), 0)
  if (typeof value !== "object" || value === null) return 1
  return Object.values(value).reduce<number>((sum, item) => sum + countChars(item), 0)
}

/**
 * What the simulator answers. The same request is answered with the same text. The caller's token limit
 * holds for reasoning and text together, and an answer that it cuts short ends with `length`.
 */
export function composeAnswer(
  wire: WireFormat,
  request: ChatRequest,
  behaviour: Behaviour,
  callNumber: number,
): Answer {
  const reasoningTokens = behaviour.reasoningTokens ?? (request.reasons ? DEFAULT_REASONING_TOKENS : 0)
  const { parts, finish } = composeParts(wire, request, behaviour, callNumber)
  const limit = request.maxTokens ?? Number.POSITIVE_INFINITY
  const shownReasoning = Math.min(reasoningTokens, limit)
  const kept = keepTokens(parts, limit - shownReasoning)
  const cutShort = kept.tokens < parts.reduce((sum, part) => sum + countTokens(part.text), 0)
  if (wire.showsReasoning && shownReasoning > 0) {
    const thought = `Thinking about: "${quote(request.lastUserText)}".`
    kept.parts.unshift({ kind: "reasoning", text: fill(thought, shownReasoning) })
  }
  const cachedTokens = Math.min(behaviour.cachedTokens ?? 0, request.promptTokens)
  return {
    id: String(callNumber),
    created: Math.floor(Date.now() / 1000),
    model: request.model,
    parts: kept.parts,
    finish: cutShort || shownReasoning < reasoningTokens ? "length" : finish,
    finishWord: behaviour.finish ?? null,
    includeUsage: request.includeUsage,
    usage: {
      promptTokens: request.promptTokens,
      cachedTokens,
      cacheWriteTokens: Math.min(behaviour.cacheWriteTokens ?? 0, request.promptTokens - cachedTokens),
      outputTokens: shownReasoning + kept.tokens,
      reasoningTokens: shownReasoning,
    },
  }
}

function composeParts(
  wire: WireFormat,
  request: ChatRequest,
  behaviour: Behaviour,
  callNumber: number,
): { parts: Part[]; finish: Finish } {
  const text: Part = { kind: "text", text: composeText(wire, request, behaviour) }
  const kind = behaviour.answer ?? (request.forcedTool === null ? "text" : "tool_call")
  switch (kind) {
    case "empty":
      return { parts: [], finish: "stop" }
    case "refusal":
      return { parts: wire.refusesInWords ? [{ kind: "refusal", text: REFUSAL }] : [], finish: "refusal" }
    case "content_filter":
      return { parts: [text], finish: "content_filter" }
    case "tool_call":
      return { parts: composeToolCalls(request, behaviour.toolCalls ?? 1, callNumber), finish: "tool_calls" }
    case "text":
      return { parts: text.text === "" ? [] : [text], finish: "stop" }
  }
}

function composeText(wire: WireFormat, request: ChatRequest, behaviour: Behaviour): string {
  if (behaviour.text !== undefined) return behaviour.text
  const opening = `Simulated answer from ${wire.provider}/${request.model} to: "${quote(request.lastUserText)}".`
  return fill(opening, behaviour.tokens ?? 0)
}

function composeToolCalls(request: ChatRequest, count: number, callNumber: number): Part[] {
  const forced = request.tools.filter((tool) => tool.name === request.forcedTool)
  const offered = forced.length > 0 ? forced : request.tools
  return Array.from({ length: count }, (_, index) => {
    const tool = offered[index % offered.length]
    const text = JSON.stringify(exampleOf(tool?.schema, withoutDirectives(request.lastUserText)))
    return { kind: "tool_call", text, id: `sim_${callNumber}_${index}`, name: tool?.name ?? "" }
  })
}

/** A value that a JSON Schema lets pass, for the plain schemas that tools have. */
function exampleOf(schema: unknown, hint: string): unknown {
  const { type, enum: choices, properties, items } = Object(schema) as Record<string, unknown>
  if (Array.isArray(choices)) return choices[0]
  if (type === "number" || type === "integer") return 1
  if (type === "boolean") return true
  if (type === "array") return [exampleOf(items, hint)]
  if (type === "string") return quote(hint)
  const fields = Object.entries(Object(properties) as Record<string, unknown>)
  return Object.fromEntries(fields.map(([name, field]) => [name, exampleOf(field, hint)]))
}

/** The beginning of what the user said, short enough to be quoted. */
function quote(lastUserText: string): string {
  return Array.from(withoutDirectives(lastUserText)).slice(0, 80).join("")
}

/** `opening` extended with words, or cut, to exactly so many tokens. */
function fill(opening: string, tokens: number): string {
  const length = tokens * CHARS_PER_TOKEN
  if (opening.length >= length) return sliceTokens(opening, 0, tokens)
  const long = `${opening} ${FILLER.repeat(Math.ceil((length - opening.length) / FILLER.length))}`
  const lastWordEnd = long.lastIndexOf(" ", length - 1)
  return long.slice(0, Math.max(lastWordEnd, opening.length)).padEnd(length, ".")
}

/** The parts as far as `limit` tokens reach. */
function keepTokens(parts: Part[], limit: number): { parts: Part[]; tokens: number } {
  let tokens = 0
  const kept: Part[] = []
  for (const part of parts) {
    const room = limit - tokens
    if (room <= 0) break
    const text = countTokens(part.text) > room ? sliceTokens(part.text, 0, room) : part.text
    kept.push({ ...part, text })
    tokens += countTokens(text)
  }
  return { parts: kept, tokens }
}
