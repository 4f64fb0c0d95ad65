import type { RequestStatus } from "../core/outcome.ts"
import type { ChatChoice, ChatCompletion } from "../core/request.ts"

type Asked = Pick<RequestStatus, "requestId" | "model" | "createdAt">

/** What the chunks of one answer are made of, in their order: its text as it comes, the rest from the whole answer. */
export class ChunkWriter {
  readonly #envelope: object
  readonly #includeUsage: boolean
  #isOpen = false

  constructor({ requestId, model, createdAt }: Asked, includeUsage: boolean) {
    const created = Math.floor(createdAt / 1000)
    this.#envelope = { id: completionId(requestId), object: "chat.completion.chunk", created, model }
    this.#includeUsage = includeUsage
  }

  text(content: string): object[] {
    return [...this.#opening(), this.#chunk({ content })]
  }

  /** All that `text` has not told of the first choice; then the other choices, the ends, and the usage when asked for. */
  end({ choices, usage }: ChatCompletion, restOfText: string): object[] {
    const chunks = choices.flatMap(({ index, message, finish_reason, logprobs }, i) => {
      const text = i === 0 ? restOfText : (message.content ?? "")
      const opening = i === 0 ? this.#opening() : [this.#chunk({ role: "assistant", content: "" }, index)]
      const deltas = [...deltasOf(message, text)]
      const parts = deltas.map((delta) => this.#chunk(delta, index))
      return [...opening, ...parts, this.#chunk({}, index, finish_reason, logprobs)]
    })
    const total = { ...this.#envelope, choices: [], usage }
    return this.#includeUsage ? [...chunks, total] : chunks
  }

  #opening(): object[] {
    if (this.#isOpen) return []
    this.#isOpen = true
    return [this.#chunk({ role: "assistant", content: "", refusal: null })]
  }

  #chunk(
    delta: object,
    index = 0,
    finish_reason: ChatChoice["finish_reason"] | null = null,
    logprobs: unknown = null,
  ): object {
    const choices = [{ index, delta, logprobs, finish_reason }]
    return { ...this.#envelope, choices, ...(this.#includeUsage ? { usage: null } : {}) }
  }
}

function* deltasOf({ reasoning_content, refusal, tool_calls }: ChatChoice["message"], text: string) {
  if (reasoning_content) yield { reasoning_content }
  if (text !== "") yield { content: text }
  if (refusal) yield { refusal }
  for (const [index, call] of (tool_calls ?? []).entries()) yield { tool_calls: [{ index, ...call }] }
}

/** The same in every chunk, so it is the request's: the provider's is only known with the answer. */
function completionId(requestId: string): string {
  return `chatcmpl-${requestId.slice("req_".length)}`
}
