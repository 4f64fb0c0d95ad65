import type { ChatChoice, ChatCompletion, ThinkingBlock, ToolCall, Usage } from "../../core/request.ts"
import { isObject, textOr } from "../json.ts"
import { count, toWireUsage } from "../usage.ts"
import type { Assembly, Progress } from "../wire.ts"
import { explainErrorEvent } from "./errors.ts"

interface WireEvent {
  type?: string
  index?: number
  message?: WireAnswer
  content_block?: WireBlock
  delta?: WireDelta
  usage?: WireUsage | null
}

interface WireAnswer {
  type?: string
  id?: unknown
  model?: unknown
  content?: WireBlock[]
  stop_reason?: string | null
  stop_sequence?: string | null
  stop_details?: { explanation?: unknown } | null
  usage?: WireUsage | null
}

interface WireBlock {
  type?: string
  text?: string
  thinking?: string
  signature?: string
  data?: unknown
  id?: unknown
  name?: unknown
  input?: unknown
}

interface WireDelta extends Pick<WireAnswer, "stop_reason" | "stop_sequence" | "stop_details"> {
  text?: string
  thinking?: string
  partial_json?: string
  signature?: string
}

/** Every figure is cumulative; one that is absent or null has not changed. */
interface WireUsage {
  input_tokens?: number | null
  cache_read_input_tokens?: number | null
  cache_creation_input_tokens?: number | null
  output_tokens?: number | null
  output_tokens_details?: { thinking_tokens?: number } | null
}

const FINISH_REASONS = new Map<string, ChatChoice["finish_reason"]>([
  ["end_turn", "stop"],
  ["stop_sequence", "stop"],
  ["pause_turn", "stop"],
  ["max_tokens", "length"],
  ["model_context_window_exceeded", "length"],
  ["tool_use", "tool_calls"],
  ["refusal", "content_filter"],
])

/** What a tool call, or a thought, comes to in the finished answer even when it is empty; so that their number is bounded too. */
const LEAST_BLOCK_CHARS = 60

const FIGURES = [
  "input_tokens",
  "cache_read_input_tokens",
  "cache_creation_input_tokens",
  "output_tokens",
  "output_tokens_details",
] as const satisfies (keyof WireUsage)[]

interface ToolDraft {
  id: string
  name: string
  input: unknown
  json: string
}

/** Puts the events of one message together, as an OpenAI chat completion. */
export class MessageAssembly implements Assembly {
  size = 0
  text = ""
  #thinking = ""
  /** By the index of their blocks. */
  readonly #thoughts = new Map<number, ThinkingBlock>()
  readonly #tools = new Map<number, ToolDraft>()
  #id = ""
  #model: string
  #stopReason: string | null = null
  #stopSequence: string | null = null
  #refusal: string | null = null
  #usage: WireUsage | null = null

  constructor(model: string) {
    this.#model = model
  }

  /** Ours includes what was read from and written to the cache; Anthropic's `input_tokens` does not. */
  get usage(): Usage | null {
    if (this.#usage === null) return null
    const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens } = this.#usage
    const cachedInputTokens = count(cache_read_input_tokens)
    const cacheWriteInputTokens = count(cache_creation_input_tokens)
    return {
      inputTokens: count(input_tokens) + cachedInputTokens + cacheWriteInputTokens,
      cachedInputTokens,
      cacheWriteInputTokens,
      outputTokens: count(this.#usage.output_tokens),
      reasoningTokens: count(this.#usage.output_tokens_details?.thinking_tokens),
    }
  }

  take(data: string): Progress {
    const event: WireEvent = JSON.parse(data)
    switch (event.type) {
      case "message_start":
        return this.#takeAnswer(event.message ?? {})
      case "content_block_start":
        return this.#takeBlock(event.content_block ?? {}, event.index ?? 0)
      case "content_block_delta":
        return this.#takeDelta(event.delta ?? {}, event.index ?? 0)
      case "message_delta":
        this.#takeUsage(event.usage)
        return this.#takeStop(event.delta ?? {})
      case "message_stop":
        return "end"
      case "error":
        return explainErrorEvent(event)
      default:
        // Pings, block ends, and events that do not exist yet.
        return "nothing"
    }
  }

  takeWhole(json: string): Progress {
    const answer: WireAnswer = JSON.parse(json)
    return answer.type === "error" ? explainErrorEvent(answer) : this.#takeAnswer(answer)
  }

  finish(): ChatCompletion | null {
    if (this.#stopReason === null) return null
    const toolCalls = [...this.#tools.values()].map(toToolCall)
    const hasOther = toolCalls.length > 0 || this.#refusal !== null
    return {
      id: this.#id,
      object: "chat.completion",
      created: Math.floor(Date.now() / 1000),
      model: this.#model,
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: this.text === "" && hasOther ? null : this.text,
            ...(this.#refusal === null ? {} : { refusal: this.#refusal }),
            ...(this.#thinking === "" ? {} : { reasoning_content: this.#thinking }),
            ...this.#signed(),
            ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
          },
          ...(this.#stopSequence === null ? {} : { stop_sequence: this.#stopSequence }),
          finish_reason: FINISH_REASONS.get(this.#stopReason) ?? "stop",
        },
      ],
      usage: toWireUsage(this.usage),
    }
  }

  /** A whole answer, or the start of one: with the first blocks at most, and no stop reason yet. */
  #takeAnswer(answer: WireAnswer): Progress {
    this.#id = textOr(this.#id, answer.id)
    this.#model = textOr(this.#model, answer.model)
    this.#takeUsage(answer.usage)
    const before = this.size
    for (const [index, block] of (answer.content ?? []).entries()) this.#takeBlock(block, index)
    return this.#takeStop(answer) === "content" || this.size > before ? "content" : "nothing"
  }

  #takeBlock(block: WireBlock, index: number): Progress {
    if (block.type === "tool_use") {
      const { input = {} } = block
      const [id, name] = [textOr("", block.id), textOr("", block.name)]
      this.#tools.set(index, { id, name, input, json: "" })
      this.size += LEAST_BLOCK_CHARS + id.length + name.length + JSON.stringify(input).length
      return "content"
    }
    if (block.type === "redacted_thinking") {
      const data = textOr("", block.data)
      this.#thoughts.set(index, { type: block.type, data })
      this.size += LEAST_BLOCK_CHARS + data.length
      return "content"
    }
    return this.#takeText(block, index)
  }

  #takeDelta(delta: WireDelta, index: number): Progress {
    const tool = this.#tools.get(index)
    if (tool !== undefined && delta.partial_json) {
      tool.json += delta.partial_json
      this.size += delta.partial_json.length
      return "content"
    }
    return this.#takeText(delta, index)
  }

  #takeText({ text = "", thinking = "", signature = "" }: WireDelta, index: number): Progress {
    const isText = [text, thinking, signature].every((each) => typeof each === "string")
    if (!isText) throw new TypeError("text expected")
    this.text += text
    this.#thinking += thinking
    if (thinking !== "" || signature !== "") this.#takeThought(thinking, signature, index)
    this.size += text.length + thinking.length
    // A thought that is not shown comes as its signature alone.
    return text === "" && thinking === "" && signature === "" ? "nothing" : "content"
  }

  #takeThought(thinking: string, signature: string, index: number): void {
    const known = this.#thoughts.get(index)
    if (known === undefined) this.size += LEAST_BLOCK_CHARS
    const before = known?.type === "thinking" ? known : { thinking: "", signature: "" }
    this.#thoughts.set(index, {
      type: "thinking",
      thinking: before.thinking + thinking,
      signature: (before.signature ?? "") + signature,
    })
    this.size += thinking.length + signature.length
  }

  /** Thoughts as they can go back; without a signature they cannot. */
  #signed(): { thinking_blocks?: ThinkingBlock[] } {
    const thoughts = [...this.#thoughts.values()]
    const isSigned = thoughts.some((each) => each.type === "redacted_thinking" || each.signature)
    return isSigned ? { thinking_blocks: thoughts } : {}
  }

  #takeStop({ stop_reason, stop_sequence, stop_details }: WireDelta): Progress {
    if (typeof stop_reason !== "string") return "nothing"
    this.#stopReason = stop_reason
    this.#stopSequence = stop_reason === "stop_sequence" ? textOr("", stop_sequence) || null : null
    if (stop_reason === "refusal") this.#refusal = textOr("", stop_details?.explanation) || null
    return "content"
  }

  #takeUsage(usage: WireUsage | null | undefined): void {
    if (!isObject(usage)) return
    const told = FIGURES.filter((name) => usage[name] !== null && usage[name] !== undefined)
    this.#usage = { ...this.#usage, ...Object.fromEntries(told.map((name) => [name, usage[name]])) }
  }
}

function toToolCall({ id, name, input, json }: ToolDraft): ToolCall {
  return { id, type: "function", function: { name, arguments: json || JSON.stringify(input) } }
}
