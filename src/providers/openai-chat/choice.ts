import { isDeeperThan } from "../../core/is-deeper-than.ts"
import type { ChatChoice, ToolCall } from "../../core/request.ts"
import { textOr } from "../json.ts"

/** What a choice holds: a `delta` in a stream, a `message` in a whole answer. */
export interface WireChoice {
  index?: unknown
  delta?: WireMessage | null
  message?: WireMessage | null
  finish_reason?: string | null
  logprobs?: { content?: unknown[] | null; refusal?: unknown[] | null } | null
}

interface WireMessage {
  content?: string | { type?: string; text?: string }[] | null
  refusal?: string | null
  /** DeepSeek's name; others say `reasoning`. */
  reasoning_content?: string | null
  reasoning?: string | null
  tool_calls?: WireToolCall[] | null
}

interface WireToolCall {
  index?: unknown
  id?: unknown
  function?: { name?: unknown; arguments?: unknown }
  custom?: { name?: unknown; input?: string }
}

interface ToolCallDraft {
  id: string
  name: string
  arguments: string
}

/** What a choice, and a tool call, come to in the finished answer even when they are empty; so that their number is bounded too. */
const LEAST_CHOICE_CHARS = 70
const LEAST_TOOL_CALL_CHARS = 60
const MOST_LOGPROB_LEVELS = 20

/** One choice while it arrives. */
export class ChoiceDraft {
  text = ""
  size = LEAST_CHOICE_CHARS
  finishReason: string | null = null
  logprobs: { content: unknown[]; refusal?: unknown[] } | null = null
  #refusal = ""
  #reasoning = ""
  /** By the index that the vendor gives them, which need not begin at 0. */
  readonly #toolCalls = new Map<number, ToolCallDraft>()
  #lastToolIndex = 0
  #greatestToolIndex = 0

  /** Whether it brought content. */
  take(choice: WireChoice): boolean {
    const message = choice.delta ?? choice.message ?? {}
    const before = this.size
    this.text += this.#sized(textOf(message.content))
    this.#refusal += this.#sized(message.refusal ?? "")
    this.#reasoning += this.#sized(message.reasoning_content ?? message.reasoning ?? "")
    for (const call of message.tool_calls ?? []) this.#takeToolCall(call)
    if (choice.logprobs) this.#takeLogprobs(choice.logprobs)
    if (typeof choice.finish_reason !== "string") return this.size > before
    this.finishReason = choice.finish_reason
    return true
  }

  message(): ChatChoice["message"] {
    const toolCalls = [...this.#toolCalls.values()].map(toToolCall)
    const hasOther = toolCalls.length > 0 || this.#refusal !== ""
    return {
      role: "assistant",
      content: this.text === "" && hasOther ? null : this.text,
      ...(this.#refusal === "" ? {} : { refusal: this.#refusal }),
      ...(this.#reasoning === "" ? {} : { reasoning_content: this.#reasoning }),
      ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
    }
  }

  #takeToolCall(call: WireToolCall): void {
    const draft = this.#draftFor(call)
    // The name comes once; some endpoints repeat it whole in every chunk.
    const name = textOr(textOr(draft.name, call.custom?.name), call.function?.name)
    this.size += Math.max(0, name.length - draft.name.length)
    draft.name = name
    const more = call.function?.arguments ?? call.custom?.input ?? ""
    draft.arguments += this.#sized(typeof more === "string" ? more : JSON.stringify(more))
  }

  /** Some endpoints send no index, or the same for all: then another id is another call. */
  #draftFor(call: WireToolCall): ToolCallDraft {
    const id = textOr("", call.id)
    let index = typeof call.index === "number" ? call.index : this.#lastToolIndex
    const known = this.#toolCalls.get(index)
    if (id !== "" && known !== undefined && known.id !== id) index = this.#greatestToolIndex + 1
    this.#lastToolIndex = index
    this.#greatestToolIndex = Math.max(this.#greatestToolIndex, index)
    const same = this.#toolCalls.get(index)
    if (same !== undefined) return same
    const draft = { id, name: "", arguments: "" }
    this.size += LEAST_TOOL_CALL_CHARS + id.length
    this.#toolCalls.set(index, draft)
    return draft
  }

  #takeLogprobs({ content, refusal }: { content?: unknown[] | null; refusal?: unknown[] | null }): void {
    // Theirs have five levels; what no stack could write again would make the whole answer unreadable.
    if (isDeeperThan(MOST_LOGPROB_LEVELS, [content, refusal])) return
    this.logprobs ??= { content: [] }
    this.size += JSON.stringify(content ?? []).length + JSON.stringify(refusal ?? []).length
    this.logprobs.content.push(...(content ?? []))
    if (!refusal) return
    this.logprobs.refusal ??= []
    this.logprobs.refusal.push(...refusal)
  }

  #sized(text: string): string {
    if (typeof text !== "string") throw new TypeError("text expected")
    this.size += text.length
    return text
  }
}

function toToolCall({ id, name, arguments: text }: ToolCallDraft, index: number): ToolCall {
  return { id: id || `call_${index}`, type: "function", function: { name, arguments: text } }
}

/** Some endpoints answer in parts; those that are not text are their reasoning. */
function textOf(content: WireMessage["content"]): string {
  if (Array.isArray(content)) return content.map((part) => part.text ?? "").join("")
  return content ?? ""
}
