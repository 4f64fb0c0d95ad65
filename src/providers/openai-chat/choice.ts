import type { ChatChoice, ToolCall } from "../../core/request.ts"

/** What a choice holds: a `delta` in a stream, a `message` in a whole answer. */
export interface WireChoice {
  index?: number
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
  index?: number
  id?: string
  function?: { name?: string; arguments?: unknown }
  custom?: { name?: string; input?: string }
}

interface ToolCallDraft {
  id: string
  name: string
  arguments: string
}

/** One choice while it arrives. */
export class ChoiceDraft {
  text = ""
  size = 0
  finishReason: string | null = null
  logprobs: { content: unknown[]; refusal?: unknown[] } | null = null
  #refusal = ""
  #reasoning = ""
  /** By the index that the vendor gives them, which need not begin at 0. */
  readonly #toolCalls = new Map<number, ToolCallDraft>()
  #lastToolIndex = 0

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
    draft.name = call.function?.name || call.custom?.name || draft.name
    const more = call.function?.arguments ?? call.custom?.input ?? ""
    draft.arguments += this.#sized(typeof more === "string" ? more : JSON.stringify(more))
  }

  /** Some endpoints send no index, or the same for all: then another id is another call. */
  #draftFor(call: WireToolCall): ToolCallDraft {
    let index = call.index ?? this.#lastToolIndex
    const known = this.#toolCalls.get(index)
    if (call.id && known !== undefined && known.id !== call.id) {
      index = Math.max(...this.#toolCalls.keys()) + 1
    }
    const draft = this.#toolCalls.get(index) ?? { id: call.id ?? "", name: "", arguments: "" }
    this.#toolCalls.set(index, draft)
    this.#lastToolIndex = index
    return draft
  }

  #takeLogprobs({ content, refusal }: { content?: unknown[] | null; refusal?: unknown[] | null }): void {
    this.logprobs ??= { content: [] }
    this.logprobs.content.push(...(content ?? []))
    if (refusal) this.logprobs.refusal = [...(this.logprobs.refusal ?? []), ...refusal]
    this.size += JSON.stringify(content ?? []).length
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
