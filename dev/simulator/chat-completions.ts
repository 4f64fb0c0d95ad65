import type { IncomingHttpHeaders } from "node:http"
import { countPromptTokens } from "./answer.ts"
import {
  type Answer,
  type ChatRequest,
  type Finish,
  isObject,
  type JsonObject,
  type Part,
  type ProviderName,
  type ToolOffer,
  type VendorError,
  type WireFormat,
} from "./wire-format.ts"

/** In what the vendors that speak chat completions differ. */
export interface Dialect {
  provider: ProviderName
  basePath: string
  showsReasoning: boolean
  refusesInWords: boolean
  keepAliveMs: number
  /** DeepSeek reports usage with the last choice; OpenAI in a chunk of its own, and only when asked. */
  usageInLastChoice: boolean
  models: string[]
  check(body: JsonObject, headers: IncomingHttpHeaders): VendorError | null
  headers: WireFormat["headers"]
  maxTokens(body: JsonObject): unknown
  reasons(body: JsonObject): boolean
  /** Members that every completion and chunk carries. */
  envelope(answer: Answer): JsonObject
  /** Members of a message beside its content. */
  message: JsonObject
  firstDelta(answer: Answer): JsonObject
  reasoningDelta(text: string): JsonObject
  lastDelta(answer: Answer): JsonObject
  finishWord(finish: Finish): string
  usage(answer: Answer): JsonObject
}

const event = (data: JsonObject): string => `data: ${JSON.stringify(data)}\n\n`

/** The chat completion format, which OpenAI defined and DeepSeek speaks with an accent. */
export function createChatFormat(dialect: Dialect): WireFormat {
  const chunk = (answer: Answer, delta: JsonObject, finish: string | null = null): JsonObject => ({
    ...dialect.envelope(answer),
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...(answer.includeUsage || dialect.usageInLastChoice ? { usage: null } : {}),
  })
  const finishWord = (answer: Answer): string => answer.finishWord ?? dialect.finishWord(answer.finish)

  return {
    provider: dialect.provider,
    chatPath: `${dialect.basePath}/chat/completions`,
    modelsPath: `${dialect.basePath}/models`,
    showsReasoning: dialect.showsReasoning,
    refusesInWords: dialect.refusesInWords,
    keepAliveMs: dialect.keepAliveMs,
    check: dialect.check,
    headers: dialect.headers,
    read: (body) => readChatRequest(body, dialect),
    errorBody: ({ message, type, param, code }) => ({ error: { message, type, param: param ?? null, code } }),
    models: () => ({
      object: "list",
      data: dialect.models.map((id) => ({
        id,
        object: "model",
        created: 1_700_000_000,
        owned_by: dialect.provider,
      })),
    }),
    completion: (answer) => ({
      ...dialect.envelope(answer),
      object: "chat.completion",
      choices: [
        {
          index: 0,
          message: { role: "assistant", ...dialect.message, ...messageOf(answer) },
          logprobs: null,
          finish_reason: finishWord(answer),
        },
      ],
      usage: dialect.usage(answer),
    }),
    opening: (answer) => event(chunk(answer, dialect.firstDelta(answer))),
    partStart: (answer, index) => {
      const part = answer.parts[index]
      if (part?.kind !== "tool_call") return ""
      const call = { id: `call_${part.id}`, type: "function", function: { name: part.name, arguments: "" } }
      return event(chunk(answer, { tool_calls: [{ index: toolIndex(answer, index), ...call }] }))
    },
    partDelta: (answer, index, text) => {
      const kind = answer.parts[index]?.kind ?? "text"
      if (kind === "reasoning") return event(chunk(answer, dialect.reasoningDelta(text)))
      if (kind === "refusal") return event(chunk(answer, { refusal: text }))
      if (kind === "text") return event(chunk(answer, { content: text }))
      const call = { index: toolIndex(answer, index), function: { arguments: text } }
      return event(chunk(answer, { tool_calls: [call] }))
    },
    partStop: () => "",
    finish: (answer) => {
      const last = chunk(answer, dialect.lastDelta(answer), finishWord(answer))
      const usage = dialect.usage(answer)
      if (dialect.usageInLastChoice) return event({ ...last, usage })
      if (!answer.includeUsage) return event(last)
      return event(last) + event({ ...last, choices: [], usage })
    },
    terminator: "data: [DONE]\n\n",
    keepAlive: ": keep-alive\n\n",
    errorEvent: ({ message, type, param, code }) =>
      event({ error: { message, type, param: param ?? null, code } }),
  }
}

function readChatRequest(body: JsonObject, dialect: Dialect): ChatRequest {
  const { model, messages, tools, tool_choice, stream_options } = body
  const maxTokens = dialect.maxTokens(body)
  return {
    model: String(model),
    stream: body.stream === true,
    includeUsage: isObject(stream_options) && stream_options.include_usage === true,
    lastUserText: lastUserText(messages),
    maxTokens: typeof maxTokens === "number" ? maxTokens : null,
    tools: Array.isArray(tools) ? tools.flatMap(readTool) : [],
    forcedTool: readForcedTool(tool_choice),
    promptTokens: countPromptTokens([messages, tools ?? []]),
    reasons: dialect.reasons(body),
  }
}

function readTool(tool: unknown): ToolOffer[] {
  if (!isObject(tool) || !isObject(tool.function)) return []
  return [{ name: String(tool.function.name), schema: tool.function.parameters }]
}

function readForcedTool(choice: unknown): string | null {
  if (choice === "required") return "any"
  return isObject(choice) && isObject(choice.function) ? String(choice.function.name) : null
}

/** The text of the last user message; of its text parts, when it has several. */
export function lastUserText(messages: unknown): string {
  const users = (Array.isArray(messages) ? messages : []).filter((m) => isObject(m) && m.role === "user")
  for (const message of users.reverse()) {
    const { content } = message as JsonObject
    if (typeof content === "string") return content
    const texts = (Array.isArray(content) ? content : []).filter((p) => isObject(p) && p.type === "text")
    if (texts.length > 0) return texts.map((part) => String((part as JsonObject).text)).join("\n")
  }
  return ""
}

function toolIndex(answer: Answer, partIndex: number): number {
  return answer.parts.slice(0, partIndex).filter((part) => part.kind === "tool_call").length
}

function messageOf(answer: Answer): JsonObject {
  const text = (kind: Part["kind"]): string =>
    answer.parts.reduce((sum, part) => (part.kind === kind ? sum + part.text : sum), "")
  const tool_calls = answer.parts.flatMap((part) =>
    part.kind === "tool_call"
      ? [{ id: `call_${part.id}`, type: "function", function: { name: part.name, arguments: part.text } }]
      : [],
  )
  const refusal = text("refusal")
  const reasoning_content = text("reasoning")
  return {
    content: tool_calls.length > 0 || refusal !== "" ? null : text("text"),
    ...(reasoning_content === "" ? {} : { reasoning_content }),
    ...(refusal === "" ? {} : { refusal }),
    ...(tool_calls.length > 0 ? { tool_calls } : {}),
  }
}
