import { type AnswerBlock, type AnthropicMessage, startMessage } from "./anthropic-answer.ts"

/** An event of Anthropic's streams; its type is its name too. */
export interface MessageEvent {
  type: string
  [member: string]: unknown
}

export const PING: MessageEvent = { type: "ping" }

/**
 * The events of one message. Text goes out as it comes; thoughts, tool calls, the stop and the usage are known at the
 * end, so thoughts that come after some text stand behind it, and the usage of `message_start` is 0 until then.
 */
export class MessageEvents {
  readonly #requestId: string
  readonly #model: string
  #isStarted = false
  #isTextOpen = false
  #index = 0

  /** `model`: as it is called until the answer tells. */
  constructor(requestId: string, model: string) {
    this.#requestId = requestId
    this.#model = model
  }

  /** More of the answer's text. */
  text(text: string): MessageEvent[] {
    if (text === "") return []
    const start = this.#start(startMessage(this.#requestId, this.#model))
    const opening = this.#isTextOpen ? [] : [this.#open({ type: "text", text: "", citations: null })]
    this.#isTextOpen = true
    return [...start, ...opening, this.#delta({ type: "text_delta", text })]
  }

  /** All that is left; `rest`: of its text. */
  end(message: AnthropicMessage, rest: string): MessageEvent[] {
    const { stop_reason, stop_sequence, stop_details, container, usage } = message
    const start = this.#start({ ...message, usage: { ...usage, output_tokens: 0 } })
    const others = message.content.filter(({ type }) => type !== "text")
    const blocks = this.#isTextOpen
      ? [...this.text(rest), this.#close(), ...this.#tell(others)]
      : this.#tell(message.content)
    const delta = { stop_reason, stop_sequence, stop_details, container }
    return [...start, ...blocks, { type: "message_delta", delta, usage }, { type: "message_stop" }]
  }

  #start(message: AnthropicMessage): MessageEvent[] {
    if (this.#isStarted) return []
    this.#isStarted = true
    const nothingYet = { content: [], stop_reason: null, stop_sequence: null, stop_details: null }
    return [{ type: "message_start", message: { ...message, ...nothingYet } }]
  }

  #tell(blocks: AnswerBlock[]): MessageEvent[] {
    return blocks.flatMap((block) => {
      const { empty, deltas } = inParts(block)
      return [this.#open(empty), ...deltas.map((delta) => this.#delta(delta)), this.#close()]
    })
  }

  #open(content_block: AnswerBlock): MessageEvent {
    return { type: "content_block_start", index: this.#index, content_block }
  }

  #delta(delta: object): MessageEvent {
    return { type: "content_block_delta", index: this.#index, delta }
  }

  #close(): MessageEvent {
    return { type: "content_block_stop", index: this.#index++ }
  }
}

/** A block as a stream gives it: empty first, then what is in it. */
function inParts(block: AnswerBlock): { empty: AnswerBlock; deltas: object[] } {
  switch (block.type) {
    case "text":
      return { empty: { ...block, text: "" }, deltas: [{ type: "text_delta", text: block.text }] }
    case "tool_use":
      return {
        empty: { ...block, input: {} },
        deltas: [{ type: "input_json_delta", partial_json: JSON.stringify(block.input) }],
      }
    case "thinking": {
      const { thinking, signature = "" } = block
      const deltas = [
        { type: "thinking_delta", thinking },
        { type: "signature_delta", signature },
      ]
      return { empty: { type: "thinking", thinking: "", signature: "" }, deltas }
    }
    case "redacted_thinking":
      return { empty: block, deltas: [] }
  }
}
