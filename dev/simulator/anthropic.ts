import { countPromptTokens } from "./answer.ts"
import { checkAnthropic } from "./anthropic-check.ts"
import { lastUserText } from "./chat-completions.ts"
import {
  type Allowances,
  type Answer,
  type ChatRequest,
  type Finish,
  isObject,
  type JsonObject,
  nearlyUntouched,
  type Part,
  type VendorError,
  type WireFormat,
} from "./wire-format.ts"

const STOP_REASONS: Record<Finish, string> = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  content_filter: "refusal",
  refusal: "refusal",
}
const MODELS = ["claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5"]

const event = (data: JsonObject): string => `event: ${String(data.type)}\ndata: ${JSON.stringify(data)}\n\n`

/** `POST /anthropic/v1/messages`. */
export const anthropic: WireFormat = {
  provider: "anthropic",
  chatPath: "/anthropic/v1/messages",
  modelsPath: "/anthropic/v1/models",
  showsReasoning: true,
  refusesInWords: false,
  keepAliveMs: 0,
  check: checkAnthropic,
  read: readMessagesRequest,
  headers: (requestId, left) => ({ "request-id": requestId, ...rateLimitHeaders(left) }),
  errorBody: errorEnvelope,
  models: () => ({
    data: MODELS.map((id) => ({ type: "model", id, display_name: id, created_at: "2026-01-01T00:00:00Z" })),
    has_more: false,
    first_id: MODELS.at(0),
    last_id: MODELS.at(-1),
  }),
  completion: (answer) => ({
    ...envelope(answer),
    content: answer.parts.map((part) => fullBlock(part)),
    ...stopOf(answer),
    usage: startUsage(answer, answer.usage.outputTokens),
  }),
  opening: (answer) => {
    const nothingYet = { content: [], stop_reason: null, stop_sequence: null, stop_details: null }
    const message = { ...envelope(answer), ...nothingYet, usage: startUsage(answer, 1) }
    return event({ type: "message_start", message })
  },
  partStart: (answer, index) => {
    const content_block = emptyBlock(answer.parts[index])
    const start = event({ type: "content_block_start", index, content_block })
    return index === 0 ? start + event({ type: "ping" }) : start
  },
  partDelta: (answer, index, text) =>
    event({ type: "content_block_delta", index, delta: deltaOf(answer.parts[index], text) }),
  partStop: (answer, index) => {
    const signature = { type: "signature_delta", signature: "c2ltdWxhdG9y" }
    const signed =
      answer.parts[index]?.kind === "reasoning"
        ? event({ type: "content_block_delta", index, delta: signature })
        : ""
    return signed + event({ type: "content_block_stop", index })
  },
  finish: (answer) => event({ type: "message_delta", delta: stopOf(answer), usage: endUsage(answer) }),
  terminator: event({ type: "message_stop" }),
  keepAlive: event({ type: "ping" }),
  errorEvent: (error, requestId) => event(errorEnvelope(error, requestId)),
}

function readMessagesRequest(body: JsonObject): ChatRequest {
  const { messages, tools, tool_choice, thinking, system } = body
  const offers = (Array.isArray(tools) ? tools : []).filter(isObject)
  return {
    model: String(body.model),
    stream: body.stream === true,
    includeUsage: true,
    lastUserText: lastUserText(messages),
    maxTokens: Number(body.max_tokens),
    tools: offers.map((tool) => ({ name: String(tool.name), schema: tool.input_schema })),
    forcedTool: readForcedTool(tool_choice),
    promptTokens: countPromptTokens([system ?? "", messages, tools ?? []]),
    reasons: isObject(thinking) && thinking.type !== "disabled",
  }
}

function readForcedTool(choice: unknown): string | null {
  if (!isObject(choice)) return null
  if (choice.type === "any") return "any"
  return choice.type === "tool" ? String(choice.name) : null
}

function errorEnvelope({ type, message, code }: VendorError, requestId: string): JsonObject {
  const details = code === null ? {} : { details: { error_code: code } }
  return { type: "error", error: { type, message, ...details }, request_id: requestId }
}

function rateLimitHeaders(left: Allowances): Record<string, string> {
  const requests = left.requests ?? nearlyUntouched(4000)
  const tokens = left.tokens ?? nearlyUntouched(2_400_000)
  // It has one limit for input and one for output, and tells in `tokens` what binds.
  const kinds = { requests, tokens, "input-tokens": tokens, "output-tokens": tokens }
  return Object.fromEntries(
    Object.entries(kinds).flatMap(([name, { limit, remaining, resetMs }]) => [
      [`anthropic-ratelimit-${name}-limit`, String(limit)],
      [`anthropic-ratelimit-${name}-remaining`, String(remaining)],
      [`anthropic-ratelimit-${name}-reset`, toWholeSecond(Date.now() + resetMs)],
    ]),
  )
}

function toWholeSecond(at: number): string {
  return new Date(Math.ceil(at / 1000) * 1000).toISOString().replace(".000Z", "Z")
}

function envelope(answer: Answer): JsonObject {
  return { model: answer.model, id: `msg_sim${answer.id}`, type: "message", role: "assistant" }
}

function stopOf(answer: Answer): JsonObject {
  const stop_reason = answer.finishWord ?? STOP_REASONS[answer.finish]
  const explanation = "This request was refused by the simulator."
  const stop_details = stop_reason === "refusal" ? { type: "refusal", category: null, explanation } : null
  return { stop_reason, stop_sequence: null, stop_details }
}

/** Input tokens without those that were read from the cache or written to it. */
function inputUsage({ usage }: Answer): JsonObject {
  return {
    input_tokens: usage.promptTokens - usage.cachedTokens - usage.cacheWriteTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
    cache_read_input_tokens: usage.cachedTokens,
  }
}

function startUsage(answer: Answer, outputTokens: number): JsonObject {
  return {
    ...inputUsage(answer),
    cache_creation: {
      ephemeral_5m_input_tokens: answer.usage.cacheWriteTokens,
      ephemeral_1h_input_tokens: 0,
    },
    output_tokens: outputTokens,
    service_tier: "standard",
    inference_geo: "not_available",
  }
}

/** Cumulative, as `message_delta` reports it. */
function endUsage(answer: Answer): JsonObject {
  const { outputTokens, reasoningTokens } = answer.usage
  const thought = reasoningTokens > 0 ? { output_tokens_details: { thinking_tokens: reasoningTokens } } : {}
  return { ...inputUsage(answer), output_tokens: outputTokens, ...thought }
}

function fullBlock(part: Part): JsonObject {
  if (part.kind === "reasoning") return { type: "thinking", thinking: part.text, signature: "c2ltdWxhdG9y" }
  if (part.kind !== "tool_call") return { type: "text", text: part.text }
  return { type: "tool_use", id: `toolu_${part.id}`, name: part.name, input: readInput(part.text) }
}

/** A tool's input is an object on this wire; arguments that a token limit cut short are none. */
function readInput(args: string): unknown {
  try {
    return JSON.parse(args)
  } catch {
    return {}
  }
}

function emptyBlock(part: Part | undefined): JsonObject {
  if (part?.kind === "reasoning") return { type: "thinking", thinking: "", signature: "" }
  if (part?.kind !== "tool_call") return { type: "text", text: "" }
  return { type: "tool_use", id: `toolu_${part.id}`, name: part.name, input: {} }
}

function deltaOf(part: Part | undefined, text: string): JsonObject {
  if (part?.kind === "reasoning") return { type: "thinking_delta", thinking: text }
  if (part?.kind === "tool_call") return { type: "input_json_delta", partial_json: text }
  return { type: "text_delta", text }
}
